// What each layer does to the answers when it alone is quantized: which ones to keep in floats.
import type { DataSet } from '../../nn/data.js'
import type { ProblemType } from '../../nn/models/config.js'
import type { TextInput } from '../../nn/models/input.js'
import type { QuantizedLayer } from '../../nn/quantized/layers.js'
import { quantizable } from '../../nn/quantized/quantize.js'
import type { HeatMap } from '../../report/page/heat.js'
import { type Report, renderReport } from '../../report/report.js'
import type { Int8Bits } from '../../tensor/int8.js'
import type { Tensor } from '../../tensor/tensor.js'
import { breathe } from '../../train/pace.js'
import { type Classifier, predict } from '../../train/predict.js'
import { tasks } from '../../train/tasks.js'
import { VERSION } from '../../version.js'
import { type Change, changeOf } from '../shared/change.js'
import type { Context } from '../shared/command.js'
import { renderTable } from '../shared/table.js'

export interface LayerEffect extends Change {
  name: string
  /** Of its weight: |rounded - exact| / |exact|. */
  error: number
  /** The task's deciding figure when this layer alone is quantized. */
  figure: number
}

function errorOf(weight: Tensor, made: QuantizedLayer): number {
  const rounded = made.weight
  const [a, b] = [weight.elements, rounded.elements]
  let [far, size] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    far += (a[i] - b[i]) ** 2
    size += a[i] ** 2
  }
  rounded.dispose()
  return size === 0 ? 0 : Math.sqrt(far / size)
}

/** Of each layer, the one that changes logits most first. */
export async function sensitivity(
  model: Classifier<TextInput>,
  data: DataSet<TextInput>,
  { bits, type, classes }: { bits: Int8Bits; type: ProblemType; classes: readonly string[] },
  { progress }: Pick<Context, 'progress'>,
): Promise<LayerEffect[]> {
  const task = tasks[type]
  const float = predict(model, data)
  const layers = quantizable(model)
  const effects: LayerEffect[] = []
  for (const { name, layer, whileQuantized } of layers) {
    effects.push(
      whileQuantized(bits, (made) => {
        const logits = predict(model, data)
        const { figures } = task.judge(logits, data, classes)
        const change = changeOf(type, float, logits, classes.length)
        return { name, error: errorOf(layer.weight, made), figure: figures[task.metrics[0]], ...change }
      }),
    )
    progress.aside('layer by layer', effects.length, layers.length)
    await breathe()
  }
  progress.finish('')
  return effects.sort((a, b) => b.mean - a.mean)
}

const titles = (metric: string) => ['layer', 'error of its weight', 'change of a logit', 'answers', metric]

/** For a terminal: the layers that do most. */
export function sensitivityTable(effects: readonly LayerEffect[], metric: string, most: number): string {
  return renderTable(
    titles(metric).map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    effects
      .slice(0, most)
      .map(({ name, error, mean, changed, figure }) => [
        ...[name, error.toPrecision(3), mean.toPrecision(3)],
        ...[changed === null ? '-' : String(changed), figure.toPrecision(4)],
      ]),
  )
}

/** Blocks by their matrices: how much of the largest change each brings. null: there are no blocks. */
function picture(effects: readonly LayerEffect[]): HeatMap | null {
  const found = effects.flatMap(({ name, mean }) => {
    const [, block, matrix] = /(?:layers|encoder)\.(\d+)\.(.+)$/.exec(name) ?? []
    return block === undefined ? [] : [{ block: Number(block), matrix, mean }]
  })
  if (found.length === 0) return null
  const blocks = [...new Set(found.map(({ block }) => block))].sort((a, b) => a - b)
  const order = ['attention.query', 'attention.key', 'attention.value', 'attention.out', 'up', 'down']
  const columns = order.filter((name) => found.some(({ matrix }) => matrix === name))
  const largest = Math.max(...effects.map(({ mean }) => mean)) || 1
  const value = (block: number, matrix: string) =>
    (found.find((f) => f.block === block && f.matrix === matrix)?.mean ?? Number.NaN) / largest
  return {
    label: 'Change of a logit when one matrix alone is quantized, by the largest of all layers',
    rows: blocks.map((block) => `layer ${block}`),
    columns: columns.map((name) => name.replace('attention.', '')),
    values: blocks.map((block) => columns.map((name) => value(block, name))),
  }
}

/** report.html of a quantization. before: the figures of the two models, a row each. */
export function sensitivityReport(
  effects: readonly LayerEffect[],
  about: { model: string; dev: string; bits: Int8Bits; metric: string; models: Report['table'] },
): string {
  const { model, dev, bits, metric, models } = about
  const heat = picture(effects)
  return renderReport({
    title: `${model} in whole numbers`,
    intro: 'What quantization does to the answers, as a whole and layer by layer.',
    table: models,
    charts: [],
    sections: [
      {
        title: 'Which layers matter?',
        text: 'Each layer alone was quantized, and the others left in floats. A layer that changes much may be kept in floats: keep, an option of quantize().',
        ...(heat && { heat }),
        table: {
          columns: titles(metric),
          rows: effects.map(({ name, error, mean, changed, figure }) => [
            ...[name, error, mean, changed ?? Number.NaN, figure],
          ]),
        },
      },
    ],
    facts: [
      ['bits', String(bits)],
      ['texts', `${effects[0]?.rows ?? 0} of ${dev}`],
      ['tinystill', VERSION],
    ],
  })
}
