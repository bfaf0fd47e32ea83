// Which of several models is taken, and which of them are worth a look at all.

export interface Judged {
  name: string
  /** Of the weights in files. */
  bytes: number
  /** The deciding figure on dev, as more is better. */
  score: number
}

export interface Wish {
  /** Bytes at most; null: none is asked for. */
  size: number | null
  /** How far below the whole model's the score may be; null: as far as it is. */
  tolerance: number | null
}

/** Those for which there is none that is as small and as good, and in one of both better. */
export function front<T extends Judged>(all: readonly T[]): T[] {
  const better = (a: T, b: T) =>
    a.bytes <= b.bytes && a.score >= b.score && (a.bytes < b.bytes || a.score > b.score)
  return all.filter((own) => !all.some((other) => better(other, own)))
}

export interface Choice<T> {
  chosen: T
  /** What of the wish is not held. */
  missed: ('size' | 'tolerance')[]
}

/**
 * Under a size the best; else the smallest within the tolerance. Where nothing is under the size, the smallest; where nothing is
 * within the tolerance under the size, the best there: what is missed is told.
 */
export function choose<T extends Judged>(all: readonly T[], whole: T, { size, tolerance }: Wish): Choice<T> {
  const fits = ({ bytes }: T) => size === null || bytes <= size
  const good = ({ score }: T) => tolerance === null || whole.score - score <= tolerance + 1e-12
  const smallest = (of: readonly T[]) => of.reduce((a, b) => (b.bytes < a.bytes ? b : a))
  const best = (of: readonly T[]) =>
    of.reduce((a, b) => (b.score > a.score || (b.score === a.score && b.bytes < a.bytes) ? b : a))
  const small = all.filter(fits)
  const chosen =
    small.length === 0 ? smallest(all) : size === null ? smallest(small.filter(good)) : best(small)
  const missed = [
    ...(fits(chosen) ? [] : (['size'] as const)),
    ...(good(chosen) ? [] : (['tolerance'] as const)),
  ]
  return { chosen, missed }
}
