// How a tensor prints: nested rows, four significant digits, the middle of long dims left out.
import { formatShape, numel, type Shape } from './shape.js'
import type { DType, TypedArray } from './storage.js'

const EDGE = 3
const LONG = 2 * EDGE + 1

function formatNumber(x: number, dtype: DType): string {
  if (dtype === 'int32' || !Number.isFinite(x)) return String(x)
  if (Object.is(x, -0)) return '-0'
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return `${x}`
  const size = Math.abs(x)
  return size >= 1e5 || size < 1e-4 ? x.toExponential(3) : x.toPrecision(5).replace(/(\.\d*?)0+$/, '$1')
}

export function printTensor(shape: Shape, data: TypedArray, dtype: DType, origin: string | null): string {
  const render = (dim: number, at: number, indent: string): string => {
    if (dim === shape.length) return formatNumber(data[at], dtype)
    const n = shape[dim]
    const step = numel(shape.slice(dim + 1))
    const shown =
      n > LONG
        ? [...Array(EDGE).keys(), -1, ...Array.from({ length: EDGE }, (_, i) => n - EDGE + i)]
        : [...Array(n).keys()]
    const inner = `${indent} `
    const parts = shown.map((i) => (i < 0 ? '...' : render(dim + 1, at + i * step, inner)))
    return `[${parts.join(dim === shape.length - 1 ? ', ' : `,\n${inner}`)}]`
  }
  const notes = [
    formatShape(shape),
    ...(dtype === 'float32' ? [] : [dtype]),
    ...(origin === null ? [] : [origin === 'leaf' ? 'requiresGrad' : `from ${origin}`]),
  ]
  return `Tensor(${notes.join(', ')}) ${render(0, 0, '')}`
}
