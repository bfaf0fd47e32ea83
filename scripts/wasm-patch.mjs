// One build of the kernels as what to change in another: they differ in an instruction here and there, and three whole
// modules would be most of what a page loads. src/tensor/backends/wasm/patch.ts says what a patch is, and applies it.

/** Shorter pieces are cheaper written out than pointed at. */
const SHORTEST = 6

function* leb128(n) {
  for (; n > 127; n >>>= 7) yield (n & 127) | 128
  yield n
}

/** The bytes that make `to` out of `from`, both Uint8Array. */
export function makePatch(from, to) {
  const key = (bytes, at) =>
    (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) + bytes[at + 3] * 2 ** 24
  const places = new Map()
  for (let at = 0; at + 4 <= from.length; at++) {
    const k = key(from, at)
    if (!places.has(k)) places.set(k, [])
    places.get(k).push(at)
  }
  const alike = (i, j) => {
    let n = 0
    while (i + n < from.length && j + n < to.length && from[i + n] === to[j + n]) n++
    return n
  }
  const patch = []
  let written = 0
  let [start, length] = [0, 0]
  const write = (end) =>
    patch.push(...leb128(start), ...leb128(length), ...leb128(end - written), ...to.subarray(written, end))
  for (let at = 0; at + 4 <= to.length; ) {
    let [best, where] = [0, 0]
    for (const place of places.get(key(to, at)) ?? []) {
      const n = alike(place, at)
      if (n > best) [best, where] = [n, place]
    }
    if (best < SHORTEST) {
      at++
      continue
    }
    write(at)
    ;[start, length, written, at] = [where, best, at + best, at + best]
  }
  write(to.length)
  return Uint8Array.from(patch)
}
