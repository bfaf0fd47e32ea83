// Byte pair encoding (Sennrich et al. 2016): of all neighbours that may become one piece the soonest learnt do, of those the
// leftmost, until none is left. By a heap, so that a word of a million characters takes no longer than as many short ones.

/** Ids in a heap's entry: rank * PLACES + place, both whole, is exact below 2^53. */
const PLACES = 2 ** 32
/** More than any vocabulary has: two ids make one key. */
const IDS = 2 ** 25

interface Merge {
  rank: number
  id: number
}

export class Merges {
  readonly #byPair = new Map<number, Merge>()

  /** merges: pieces that become one, the soonest first. Of one that stands twice the last place counts, as in Python. */
  constructor(merges: Iterable<readonly [string, string]>, idOf: (piece: string) => number) {
    let rank = 0
    for (const [a, b] of merges) this.#byPair.set(idOf(a) * IDS + idOf(b), { rank: rank++, id: idOf(a + b) })
  }

  /** What `ids`, of single bytes, become. made: is told the id of each piece on the way there, and of what comes out. */
  apply(ids: number[], made?: (id: number) => void): number[] {
    const n = ids.length
    const next = Int32Array.from({ length: n }, (_, i) => i + 1)
    const before = Int32Array.from({ length: n }, (_, i) => i - 1)
    const heap = new Heap()
    const mergeAt = (i: number): Merge | undefined =>
      ids[i] >= 0 && next[i] < n ? this.#byPair.get(ids[i] * IDS + ids[next[i]]) : undefined
    const offer = (i: number) => {
      const merge = mergeAt(i)
      if (merge !== undefined) heap.push(merge.rank * PLACES + i)
    }
    for (let i = 0; i + 1 < n; i++) offer(i)
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const i = top % PLACES
      const merge = mergeAt(i)
      // One of the two has become part of another piece since.
      if (merge === undefined || merge.rank !== Math.floor(top / PLACES)) continue
      const gone = next[i]
      made?.(merge.id)
      ids[i] = merge.id
      ids[gone] = -1
      next[i] = next[gone]
      if (next[i] < n) before[next[i]] = i
      if (before[i] >= 0) offer(before[i])
      offer(i)
    }
    return ids.filter((id) => id >= 0)
  }
}

/** The least first. */
class Heap {
  readonly #items: number[] = []

  push(value: number): void {
    const items = this.#items
    let i = items.length
    for (; i > 0; i = (i - 1) >> 1) {
      const parent = items[(i - 1) >> 1]
      if (parent <= value) break
      items[i] = parent
    }
    items[i] = value
  }

  pop(): number | undefined {
    const items = this.#items
    const least = items[0]
    const last = items.pop()
    if (last === undefined || items.length === 0) return least
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= items.length) break
      if (child + 1 < items.length && items[child + 1] < items[child]) child++
      if (items[child] >= last) break
      items[i] = items[child]
      i = child
    }
    items[i] = last
    return least
  }
}
