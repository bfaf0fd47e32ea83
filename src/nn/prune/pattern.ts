// What is left or pruned together: single weights, blocks of a matrix, or n of each m weights of a row.
import { ArgumentError, got } from '../../errors.js'
import { formatShape, type Shape } from '../../tensor/shape.js'
import type { Floats } from '../../tensor/storage.js'
import { GONE } from './keep.js'

export type Pattern =
  | { readonly kind: 'block'; readonly rows: number; readonly columns: number }
  /** Of each `m` weights, one after the other in a row, `n` stay. */
  | { readonly kind: 'of'; readonly n: number; readonly m: number }

/** 'single', '32x32' or '2:4'. Throws ArgumentError for anything else. */
export function patternOf(text: string): Pattern {
  if (text === 'single') return { kind: 'block', rows: 1, columns: 1 }
  const [, a, sign, b] = /^(\d{1,4})([x:])(\d{1,4})$/.exec(String(text)) ?? []
  const [first, second] = [Number(a), Number(b)]
  if (sign === 'x' && first >= 1 && second >= 1) return { kind: 'block', rows: first, columns: second }
  if (sign === ':' && first >= 1 && second > first) return { kind: 'of', n: first, m: second }
  throw new ArgumentError(
    'pruneAware',
    `the pattern must be single, rows x columns of a block as 32x32, or n of m as 2:4, got ${got(text)}`,
  )
}

/** Throws RangeError where a matrix [R, C] does not divide into the pattern. */
export function checkFits(name: string, shape: Shape, pattern: Pattern): void {
  const [rows, columns] = pattern.kind === 'block' ? [pattern.rows, pattern.columns] : [1, pattern.m]
  if (shape[0] % rows === 0 && shape[1] % columns === 0) return
  throw new RangeError(
    `pruneAware: ${name} ${formatShape(shape)} does not divide into ${pattern.kind === 'block' ? `blocks of ${rows}x${columns}` : `runs of ${columns}`}; take sizes that divide it`,
  )
}

/** Rows and columns of a matrix's units: what has one score. */
export function unitsOf([R, C]: Shape, pattern: Pattern): [number, number] {
  return pattern.kind === 'block' ? [R / pattern.rows, C / pattern.columns] : [R, C]
}

/** Whether each weight has a score of its own. */
export const isSingle = (pattern: Pattern): boolean =>
  pattern.kind === 'of' || (pattern.rows === 1 && pattern.columns === 1)

/** Calls `cell` for each weight of [R, C], in order, with its unit. */
function eachCell([R, C]: Shape, pattern: Pattern, cell: (i: number, unit: number) => void): void {
  const [rows, columns] = pattern.kind === 'block' ? [pattern.rows, pattern.columns] : [1, 1]
  const across = C / columns
  for (let r = 0, i = 0; r < R; r++) {
    const first = Math.floor(r / rows) * across
    for (let u = first; u < first + across; u++) for (let c = 0; c < columns; c++) cell(i++, u)
  }
}

/** By the mask, 0 or 1. */
const lost = Float64Array.of(GONE, 0)

/** How large each unit is: the sum of |w|, and GONE where a mask has pruned it, so that it never comes back. */
export function sizesOf(weights: Floats, mask: Floats, shape: Shape, pattern: Pattern): Floats {
  if (isSingle(pattern)) {
    const sizes = weights.slice()
    for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(weights[i]) + lost[mask[i]]
    return sizes
  }
  const [rows, columns] = unitsOf(shape, pattern)
  const sizes = new Float64Array(rows * columns)
  eachCell(shape, pattern, (i, u) => {
    sizes[u] = mask[i] === 0 ? GONE : sizes[u] + Math.abs(weights[i])
  })
  return sizes
}

/** Writes which units stay into the mask of all weights. */
export function spread(units: Uint8Array, mask: Floats, shape: Shape, pattern: Pattern): void {
  if (isSingle(pattern)) mask.set(units)
  else
    eachCell(shape, pattern, (i, u) => {
      mask[i] = units[u]
    })
}
