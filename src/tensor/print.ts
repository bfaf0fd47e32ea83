// How a tensor prints: its numbers in their shape, all in one format and in columns, the middle of large ones left out.
// The rules are PyTorch's: four digits, powers of ten where sizes differ too much, 80 columns.
import { contiguousStrides, formatShape, numel, type Shape } from './shape.js'
import type { DType, TypedArray } from './storage.js'

/** What is asked of a tensor. */
interface Printable {
  readonly shape: Shape
  readonly dtype: DType
  readonly node: { readonly name: string } | null
  readonly requiresGrad: boolean
  readonly disposed: boolean
  readonly elements: TypedArray
}

/** Of more elements than this, each dim shows its ends only. */
const MANY = 1000
const EDGE = 3
const COLUMNS = 80
const DIGITS = 4

/** What precedes the numbers: shape, dtype, and where a gradient passes. */
export function describeTensor(t: Printable): string {
  const origin = t.node !== null ? [`from ${t.node.name}`] : t.requiresGrad ? ['requiresGrad'] : []
  return `Tensor(${[formatShape(t.shape), t.dtype, ...origin, ...(t.disposed ? ['disposed'] : [])].join(', ')})`
}

export function printTensor(t: Printable): string {
  const head = describeTensor(t)
  if (t.disposed) return head
  const at = positions(t.shape, numel(t.shape) > MANY)
  const { elements } = t
  const numbers = formatAll(
    at.map((i) => elements[i]),
    t.dtype,
  )
  const body = layOut(t.shape, numbers)
  return `${head}${t.shape.length > 1 && numbers.length > 0 ? '\n' : ' '}${body}`
}

/** The indices of a dim that are shown. */
function shown(n: number, short: boolean): number[] {
  if (!short || n <= 2 * EDGE) return Array.from({ length: n }, (_, i) => i)
  return Array.from({ length: 2 * EDGE }, (_, i) => (i < EDGE ? i : n - 2 * EDGE + i))
}

/** Places of the elements that are shown, in order. */
function positions(shape: Shape, short: boolean): number[] {
  const strides = contiguousStrides(shape)
  let at = [0]
  shape.forEach((n, dim) => {
    const indices = shown(n, short)
    at = at.flatMap((base) => indices.map((i) => base + i * strides[dim]))
  })
  return at
}

/** One format for all, and one width. */
function formatAll(values: readonly number[], dtype: DType): string[] {
  const texts = values.map(formatFor(values, dtype))
  const width = texts.reduce((most, text) => Math.max(most, text.length), 0)
  return texts.map((text) => text.padStart(width))
}

function formatFor(values: readonly number[], dtype: DType): (x: number) => string {
  const plain = (x: number) => (Object.is(x, -0) ? '-0' : String(x))
  if (dtype === 'int32') return plain
  const sizes = values.filter((x) => Number.isFinite(x) && x !== 0).map(Math.abs)
  const largest = sizes.reduce((a, b) => Math.max(a, b), 0)
  const smallest = sizes.reduce((a, b) => Math.min(a, b), Infinity)
  const finite = (format: (x: number) => string) => (x: number) => (Number.isFinite(x) ? format(x) : plain(x))
  const power = finite((x) => sign(x, x.toExponential(DIGITS)))
  if (sizes.every(Number.isInteger)) return largest >= 1e8 ? power : plain
  if (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000) return power
  return finite((x) => sign(x, x.toFixed(DIGITS)))
}

/** JavaScript's formats drop the sign of zero. */
const sign = (x: number, text: string) => (Object.is(x, -0) ? `-${text}` : text)

function layOut(shape: Shape, numbers: readonly string[]): string {
  const short = numel(shape) > MANY
  let next = 0
  const row = (n: number, indent: number): string => {
    const parts: string[] = numbers.slice(next, next + shown(n, short).length)
    next += parts.length
    if (parts.length < n) parts.splice(EDGE, 0, '...')
    const inLine = Math.max(1, Math.floor((COLUMNS - indent) / ((parts[0]?.length ?? 0) + 2)))
    const lines: string[] = []
    for (let i = 0; i < parts.length; i += inLine) lines.push(parts.slice(i, i + inLine).join(', '))
    return `[${lines.join(`,\n${' '.repeat(indent)}`)}]`
  }
  const render = (dim: number): string => {
    if (dim === shape.length) return numbers[0]
    const n = shape[dim]
    if (dim === shape.length - 1) return row(n, dim + 1)
    const parts = shown(n, short).map(() => render(dim + 1))
    if (parts.length < n) parts.splice(EDGE, 0, '...')
    // Matrices stand apart by an empty line, as PyTorch and numpy write them.
    return `[${parts.join(`,${'\n'.repeat(shape.length - 1 - dim)}${' '.repeat(dim + 1)}`)}]`
  }
  return numbers.length === 0 ? '[]' : render(0)
}
