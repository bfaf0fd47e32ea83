// What the labels of a data set are like, for people to see before hours are spent.
import type { DataSet } from '../../nn/data.js'
import type { LabelKind } from '../../text/labels.js'

/** Names that are told; of more there is a count. */
const TOLD = 20

const digits = (x: number) => String(Number(x.toPrecision(4)))

const list = (parts: readonly string[]) =>
  parts.length > TOLD
    ? `${parts.slice(0, TOLD).join(', ')} and ${parts.length - TOLD} more`
    : parts.join(', ')

/**
 * A few lines on labels that are sets of classes or numbers, of `names` each: rows of every class, classes that cannot be
 * learnt, the range of every number. Of single classes none.
 */
export function labelFacts(
  kind: LabelKind,
  { targets = new Float32Array(0), size }: Pick<DataSet<unknown>, 'targets' | 'size'>,
  names: readonly string[],
): string[] {
  if (kind === 'classes' || size === 0) return []
  return kind === 'sets' ? setFacts(targets, size, names) : numberFacts(targets, size, names)
}

function setFacts(targets: Float32Array, rows: number, names: readonly string[]): string[] {
  const counts = new Float64Array(names.length)
  let none = 0
  for (let r = 0; r < rows; r++) {
    const own = targets.subarray(r * names.length, (r + 1) * names.length)
    own.forEach((y, c) => {
      if (y >= 0.5) counts[c]++
    })
    if (own.every((y) => y < 0.5)) none++
  }
  const total = counts.reduce((a, b) => a + b, 0)
  const by = list(names.map((name, c) => `${name} ${counts[c]}`))
  const still = names.filter((_, c) => counts[c] === 0 || counts[c] === rows)
  return [
    `${rows} rows by class: ${by}; ${none} of none; ${digits(total / rows)} classes a row`,
    ...(still.length > 0
      ? [`of these no row is, or all are, so that nothing tells them apart: ${list(still)}`]
      : []),
  ]
}

function numberFacts(targets: Float32Array, rows: number, names: readonly string[]): string[] {
  const low = new Float64Array(names.length).fill(Infinity)
  const high = new Float64Array(names.length).fill(-Infinity)
  targets.forEach((y, i) => {
    const c = i % names.length
    low[c] = Math.min(low[c], y)
    high[c] = Math.max(high[c], y)
  })
  const still = names.filter((_, c) => low[c] === high[c])
  return [
    `${rows} rows of numbers: ${list(names.map((name, c) => `${name} ${digits(low[c])} to ${digits(high[c])}`))}`,
    ...(still.length > 0
      ? [`these are the same in all rows, there is nothing to learn: ${list(still)}`]
      : []),
  ]
}
