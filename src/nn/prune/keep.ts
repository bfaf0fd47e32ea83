// Which of many numbers stay: the largest, of equal ones those that come first. By place and not by a sort, so that the same numbers
// give the same mask on every engine.
import type { Floats } from '../../tensor/storage.js'

/** Of a matrix at least one weight in so many stays: movement pruning's code. */
const ONE_IN = 200

export const leastKept = (n: number): number => Math.min(n, Math.max(1, Math.ceil(n / ONE_IN)))

/** How many of n stay at a sparsity, which counts those that do not. */
export const keptOf = (n: number, sparsity: number): number =>
  Math.max(leastKept(n), n - Math.round(sparsity * n))

const BINS = 4096

/** The k-th largest of all numbers in the lists, k from 1 on. Throws RangeError for one that is NaN. */
export function kthLargest(lists: readonly Floats[], k: number): number {
  let [low, high] = [Infinity, -Infinity]
  for (const list of lists)
    for (let i = 0; i < list.length; i++) {
      const x = list[i]
      if (x < low) low = x
      if (x > high) high = x
      if (Number.isNaN(x)) throw new RangeError('a weight or score is NaN')
    }
  if (low === high) return low
  // One pass finds the bin, and what lies in it is sorted. Of infinities or one crowded bin that is all: slower, and right.
  const scale = (BINS - 1) / (high - low)
  const binOf = scale > 0 && scale < Infinity ? (x: number) => Math.floor((x - low) * scale) : () => 0
  const counts = new Uint32Array(BINS)
  for (const list of lists) for (let i = 0; i < list.length; i++) counts[binOf(list[i])]++
  let bin = BINS - 1
  let left = k
  for (; bin > 0 && counts[bin] < left; bin--) left -= counts[bin]
  const inBin = new Float64Array(counts[bin])
  let n = 0
  for (const list of lists)
    for (let i = 0; i < list.length; i++) if (binOf(list[i]) === bin) inBin[n++] = list[i]
  inBin.sort()
  return inBin[n - left]
}

/** 1 for the k largest of all lists together, in as many lists. */
export function largestOf(lists: readonly Floats[], k: number): Uint8Array[] {
  const all = lists.reduce((n, list) => n + list.length, 0)
  if (k >= all) return lists.map((list) => new Uint8Array(list.length).fill(1))
  const bar = kthLargest(lists, k)
  let above = 0
  for (const list of lists) for (let i = 0; i < list.length; i++) if (list[i] > bar) above++
  let equal = k - above
  return lists.map((list) => {
    const kept = new Uint8Array(list.length)
    for (let i = 0; i < list.length; i++) if (list[i] > bar || (list[i] === bar && equal-- > 0)) kept[i] = 1
    return kept
  })
}

/** The share of each list that stays at a sparsity. */
export const largestOfEach = (lists: readonly Floats[], sparsity: number): Uint8Array[] =>
  lists.map((list) => largestOf([list], keptOf(list.length, sparsity))[0])

/** The same share of all together; the least that stays of each stays in any case. */
export function largestOfAll(lists: readonly Floats[], sparsity: number): Uint8Array[] {
  const all = lists.reduce((n, list) => n + list.length, 0)
  const most = kthLargest(lists, 1)
  // Above all others, and finite, so that the bins stay of use.
  const top = most > 0 ? 2 * most : most + 1
  const raised = lists.map((list) => {
    const [certain] = largestOf([list], leastKept(list.length))
    const own = list.slice()
    for (let i = 0; i < own.length; i++) if (certain[i] === 1) own[i] = top
    return own
  })
  const least = lists.reduce((n, list) => n + leastKept(list.length), 0)
  return largestOf(raised, Math.max(least, all - Math.round(sparsity * all)))
}

/** Those above the bar, or where these are too few the least that stays. */
export function above(list: Floats, bar: number): Uint8Array {
  const kept = new Uint8Array(list.length)
  let n = 0
  for (let i = 0; i < list.length; i++)
    if (list[i] > bar) {
      kept[i] = 1
      n++
    }
  return n < leastKept(list.length) ? largestOf([list], leastKept(list.length))[0] : kept
}

/** Of each m numbers, one after the other, the n largest. */
export function largestOfRuns(list: Floats, n: number, m: number): Uint8Array {
  const kept = new Uint8Array(list.length)
  for (let from = 0; from < list.length; from += m)
    for (let i = from; i < from + m; i++) {
      let before = 0
      for (let j = from; j < from + m; j++) if (list[j] > list[i] || (list[j] === list[i] && j < i)) before++
      if (before < n) kept[i] = 1
    }
  return kept
}
