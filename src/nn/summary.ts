// A model in numbers: what each module holds, and what that comes to.

import { formatShape, type Shape } from '../tensor/shape.js'
import { isParameter, Tensor } from '../tensor/tensor.js'
import { type Module, moduleArg } from './module.js'

/** A module of a model, as summary() lists it. */
export interface SummaryRow {
  /** Path, '' for the model itself. */
  name: string
  /** Of the class. */
  type: string
  /** Of its own parameters, those below it apart, by name. One that an earlier row has is not in it. */
  shapes: Record<string, Shape>
  /** Numbers in them. */
  count: number
  /** How many of those learn. */
  trainable: number
}

/** What summary() tells of a model. */
export interface Summary {
  /** Of modules with parameters of their own, and of those without modules below them. */
  rows: SummaryRow[]
  count: number
  trainable: number
  /** As a table. */
  toString(): string
}

const grouped = (n: number) => n.toLocaleString('en-US')

function table(rows: readonly SummaryRow[], count: number, trainable: number): string {
  const head = ['name', 'type', 'parameters', 'count', 'trainable']
  const shown = (row: SummaryRow) =>
    Object.entries(row.shapes)
      .map(([name, shape]) => `${name} ${formatShape(shape)}`)
      .join(', ')
  const cells = [
    head,
    ...rows.map((r) => [r.name || '(model)', r.type, shown(r), grouped(r.count), grouped(r.trainable)]),
    ['total', '', '', grouped(count), grouped(trainable)],
  ]
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd()
  return cells.map(line).join('\n')
}

/** One row a layer: its parameters with their shapes, how many numbers they are, and how many of these learn. */
export function summary(model: Module): Summary {
  moduleArg('summary', 'model', model)
  const seen = new Set<Tensor>()
  const wanted = new Set(model.parameters())
  const rows: SummaryRow[] = []
  for (const [name, module] of model.namedModules()) {
    const own = Array.from(module.holdings()).filter(
      (held): held is [string, Tensor] =>
        held[1] instanceof Tensor && isParameter(held[1]) && wanted.has(held[1]) && !seen.has(held[1]),
    )
    const mine = new Map(own.map(([at, t]) => [t, at]))
    for (const t of mine.keys()) seen.add(t)
    if (mine.size === 0 && module.children().length > 0) continue
    const sum = (tensors: readonly Tensor[]) => tensors.reduce((n, t) => n + t.numel, 0)
    const tensors = [...mine.keys()]
    rows.push({
      name,
      type: module.constructor.name,
      shapes: Object.fromEntries(Array.from(mine, ([t, at]) => [at, t.shape])),
      count: sum(tensors),
      trainable: sum(tensors.filter((t) => t.requiresGrad)),
    })
  }
  const [count, trainable] = [rows.map((r) => r.count), rows.map((r) => r.trainable)].map((all) =>
    all.reduce((n, x) => n + x, 0),
  )
  return { rows, count, trainable, toString: () => table(rows, count, trainable) }
}
