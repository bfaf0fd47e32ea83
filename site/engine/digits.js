// Digits for lessons: drawn here by strokes, each one shifted, stretched, slanted and bent anew, as a hand would. Not MNIST, whose
// pictures would be larger than the whole engine. By plus, times and roots alone: the same bits in every browser.

/** Strokes as corners, x to the right and y down, from 0 to 1. */
const strokes = [
  [[0.5, 0.1, 0.26, 0.26, 0.22, 0.55, 0.32, 0.82, 0.52, 0.9, 0.72, 0.78, 0.78, 0.48, 0.7, 0.22, 0.5, 0.1]],
  [[0.34, 0.28, 0.54, 0.1, 0.54, 0.9]],
  [[0.24, 0.28, 0.4, 0.12, 0.62, 0.14, 0.72, 0.32, 0.6, 0.54, 0.24, 0.88, 0.78, 0.88]],
  [[0.26, 0.16, 0.52, 0.1, 0.7, 0.24, 0.64, 0.42, 0.44, 0.48, 0.68, 0.56, 0.76, 0.74, 0.58, 0.9, 0.26, 0.84]],
  [[0.62, 0.9, 0.62, 0.1, 0.2, 0.64, 0.82, 0.64]],
  [[0.74, 0.12, 0.34, 0.12, 0.28, 0.46, 0.56, 0.42, 0.74, 0.58, 0.7, 0.8, 0.48, 0.9, 0.24, 0.82]],
  [[0.66, 0.12, 0.42, 0.28, 0.28, 0.56, 0.32, 0.82, 0.54, 0.9, 0.72, 0.76, 0.68, 0.56, 0.48, 0.5, 0.3, 0.64]],
  [[0.22, 0.14, 0.78, 0.14, 0.58, 0.48, 0.44, 0.9]],
  [
    [
      0.5, 0.48, 0.3, 0.34, 0.34, 0.16, 0.52, 0.1, 0.68, 0.2, 0.68, 0.36, 0.5, 0.48, 0.28, 0.62, 0.28, 0.82,
      0.5, 0.9,
    ],
    [0.5, 0.9, 0.72, 0.82, 0.74, 0.64, 0.5, 0.48],
  ],
  [[0.7, 0.4, 0.5, 0.5, 0.3, 0.4, 0.3, 0.2, 0.5, 0.1, 0.68, 0.2, 0.7, 0.4, 0.66, 0.7, 0.46, 0.9]],
]

/** Numbers from -1 to 1 that follow from `seed`: mulberry32. */
function dice(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}

/** How far (x, y) is from the line between two corners. */
function away(x, y, ax, ay, bx, by) {
  const [ux, uy] = [bx - ax, by - ay]
  const along = Math.max(0, Math.min(1, ((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy + 1e-9)))
  const [dx, dy] = [x - ax - along * ux, y - ay - along * uy]
  return Math.sqrt(dx * dx + dy * dy)
}

/** One picture as `side` x `side` numbers from 0 to 1, row by row. */
function drawn(digit, roll, side) {
  const [wide, high, slant] = [1 + 0.22 * roll(), 1 + 0.16 * roll(), 0.3 * roll()]
  const [right, down, pen] = [0.09 * roll(), 0.08 * roll(), 0.065 + 0.02 * roll()]
  const lines = strokes[digit].map((corners) => {
    const moved = []
    for (let i = 0; i < corners.length; i += 2) {
      const [x, y] = [corners[i] - 0.5 + 0.035 * roll(), corners[i + 1] - 0.5 + 0.035 * roll()]
      moved.push(0.5 + right + wide * x - slant * y, 0.5 + down + high * y)
    }
    return moved
  })
  return Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [((at % side) + 0.5) / side, (Math.floor(at / side) + 0.5) / side]
    let near = 1
    for (const c of lines)
      for (let i = 0; i + 3 < c.length; i += 2)
        near = Math.min(near, away(x, y, c[i], c[i + 1], c[i + 2], c[i + 3]))
    const ink = Math.max(0, Math.min(1, 1.5 - near / pen))
    return Math.max(0, Math.min(1, ink + 0.1 * roll()))
  })
}

/** `count` pictures, as many of each digit: { pixels: [count][side * side], labels: [count] }. Another seed, other hands. */
export function digits(count, { seed = 1, side = 10 } = {}) {
  const roll = dice(seed)
  const labels = Array.from({ length: count }, (_, i) => i % 10)
  return { pixels: labels.map((digit) => drawn(digit, roll, side)), labels }
}
