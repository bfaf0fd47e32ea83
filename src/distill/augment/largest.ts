// The k largest of a row of numbers.

/**
 * Places of the up to `k` largest `values` at the places `among`, the largest first, of equal ones the first; never
 * `except`. What is no number is passed over.
 */
export function largest(
  values: ArrayLike<number>,
  k: number,
  among: ArrayLike<number>,
  except: number | null = null,
): number[] {
  const kept: number[] = []
  for (let i = 0; i < among.length; i++) {
    const place = among[i]
    const value = values[place]
    if (place === except || Number.isNaN(value)) continue
    if (kept.length === k && value <= values[kept[k - 1]]) continue
    let at = kept.length
    while (at > 0 && values[kept[at - 1]] < value) at--
    kept.splice(at, 0, place)
    if (kept.length > k) kept.pop()
  }
  return kept
}
