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

/** What is pruned for good: it is no number among the others, and stays only where nothing else does. */
export const GONE = -Infinity

/** The numbers of all lists but those that are gone, one after the other. Throws RangeError for one that is NaN. */
function present(lists: readonly Floats[]): { values: Float64Array; low: number; high: number } {
  const all = new Float64Array(lists.reduce((n, list) => n + list.length, 0))
  let n = 0
  for (const list of lists)
    for (let i = 0; i < list.length; i++) {
      // Without a branch, which nothing could foretell where half of them are gone.
      all[n] = list[i]
      n += Number(list[i] !== GONE)
    }
  const values = all.subarray(0, n)
  let [low, high] = [Infinity, -Infinity]
  for (let i = 0; i < n; i++) {
    const x = values[i]
    if (!(x >= low)) low = x
    if (!(x <= high)) high = x
    if (Number.isNaN(x)) throw new RangeError('pruning: a weight or score is NaN')
  }
  return { values, low, high }
}

/** The k-th largest of all numbers in the lists, k from 1 on, and how many equal to it are among the k largest. */
export function kthLargest(lists: readonly Floats[], k: number): { bar: number; equal: number } {
  const { values, low, high } = present(lists)
  if (k > values.length) return { bar: GONE, equal: k - values.length }
  if (low === high) return { bar: low, equal: k }
  // One pass finds the bin, and what lies in it is sorted. Of infinities or one crowded bin that is all: slower, and right.
  const wide = (BINS - 1) / (high - low)
  const scale = wide > 0 && wide < Infinity ? wide : 0
  const from = scale === 0 ? 0 : low
  const counts = new Uint32Array(BINS)
  for (let i = 0; i < values.length; i++) counts[scale === 0 ? 0 : ((values[i] - from) * scale) | 0]++
  let bin = BINS - 1
  let left = k
  for (; bin > 0 && counts[bin] < left; bin--) left -= counts[bin]
  const inBin = new Float64Array(counts[bin])
  let n = 0
  for (let i = 0; i < values.length; i++)
    if (scale === 0 || (((values[i] - from) * scale) | 0) === bin) inBin[n++] = values[i]
  inBin.sort()
  const bar = inBin[n - left]
  let above = 0
  while (above < left && inBin[n - 1 - above] > bar) above++
  return { bar, equal: left - above }
}

/** 1 for the k largest of all lists together, in as many lists. */
export function largestOf(lists: readonly Floats[], k: number): Uint8Array[] {
  let { bar, equal } = kthLargest(lists, k)
  return lists.map((list) => {
    const kept = new Uint8Array(list.length)
    for (let i = 0; i < list.length; i++) kept[i] = Number(list[i] > bar)
    for (let at = 0; equal > 0; equal--, at++) {
      at = list.indexOf(bar, at)
      if (at < 0) break
      kept[at] = 1
    }
    return kept
  })
}

/** The share of each list that stays at a sparsity. */
export const largestOfEach = (lists: readonly Floats[], sparsity: number): Uint8Array[] =>
  lists.map((list) => largestOf([list], keptOf(list.length, sparsity))[0])

const sum = (kept: Uint8Array) => kept.reduce((n, x) => n + x, 0)

/** The same share of all together; the least that stays of each stays in any case. */
export function largestOfAll(lists: readonly Floats[], sparsity: number): Uint8Array[] {
  const all = lists.reduce((n, list) => n + list.length, 0)
  const least = lists.reduce((n, list) => n + leastKept(list.length), 0)
  const k = Math.max(least, all - Math.round(sparsity * all))
  const kept = largestOf(lists, k)
  if (kept.every((own) => sum(own) >= leastKept(own.length))) return kept
  const { bar: most } = kthLargest(lists, 1)
  // Above all others, and finite, so that the bins stay of use.
  const top = most > 0 ? 2 * most : most + 1
  const raised = lists.map((list) => {
    const [certain] = largestOf([list], leastKept(list.length))
    const own = list.slice()
    for (let i = 0; i < own.length; i++) if (certain[i] === 1) own[i] = top
    return own
  })
  return largestOf(raised, k)
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
