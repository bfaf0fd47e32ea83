// tinystill inspect: what a weight file, a model folder or a run folder holds.
import type { Command } from 'commander'
import { type Inspection, inspect, type TensorFacts } from '../files/inspect.js'
import type { CommandSpec } from './shared/command.js'
import { bytes, count, renderTable } from './shared/table.js'

interface InspectOptions {
  args: string[]
}

/** Four digits, short: 0.02341, 1.2e-9. */
function figure(x: number | undefined): string {
  if (x === undefined || Number.isNaN(x)) return ''
  return x !== 0 && (Math.abs(x) < 1e-4 || Math.abs(x) >= 1e5)
    ? x.toExponential(2)
    : String(Number(x.toPrecision(4)))
}

/** What files say may be of any length. */
const short = (value: unknown) => {
  const text = String(value)
  return text.length > 100 ? `${text.slice(0, 100)}\u2026` : text
}

/** name value, name value ... */
const pairs = (fields: object) =>
  some(
    Object.entries(fields).map(([name, value]) => `${short(name)} ${short(value)}`),
    40,
  )

/** Of a long list the first, and how many more. */
function some(items: readonly string[], shown = 20): string {
  const more = items.length - shown
  return items.slice(0, shown).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function facts(found: Inspection): string[][] {
  const { weights, tokenizer } = found
  const rows: [string, string][] = [
    ['model', some([found.modelType ?? '', ...found.architectures].filter(Boolean).map(short))],
    ['settings', pairs(found.settings)],
    ['modules', some(found.modules.map(short))],
    ['labels', found.labels.length > 0 ? `${found.labels.length}: ${some(found.labels.map(short))}` : ''],
    [
      'tokenizer',
      tokenizer ? `${short(tokenizer.kind)}, ${count(tokenizer.words)} words (${tokenizer.file})` : '',
    ],
    ['run', found.run ? pairs(found.run) : ''],
  ]
  if (weights) {
    rows.push(['parameters', count(weights.params)])
    rows.push(['tensors', `${count(weights.tensors.length)}, ${bytes(weights.bytes)}`])
    rows.push(['dtypes', pairs(weights.dtypes)])
    rows.push(['metadata', pairs(weights.metadata)])
  }
  return rows.filter(([, text]) => text !== '')
}

function tensorRow({ name, dtype, shape, figures }: TensorFacts): string[] {
  const bad = figures ? figures.nan + figures.infinite : 0
  return [
    short(name),
    dtype,
    shape.join(' x ') || 'scalar',
    ...[figures?.mean, figures?.std, figures?.min, figures?.max].map(figure),
    figures === null ? 'unreadable' : bad > 0 ? String(bad) : '',
  ]
}

export const inspectCommand: CommandSpec<InspectOptions> = {
  name: 'inspect',
  describe: 'Tell what a weight file, a model folder or a run folder holds',
  options: (command: Command) =>
    command.argument('<path>', 'folder of a model or a run, or a .safetensors file'),
  run: async ({ args: [path] }, { output }) => {
    const found = inspect(path)
    output.json(found)
    const rows = facts(found)
    if (rows.length > 0) output.print(renderTable([{ title: 'what' }, { title: path }], rows))
    const tensors = found.weights?.tensors ?? []
    if (tensors.length > 0) {
      const right = ['mean', 'std', 'min', 'max', 'NaN, inf'].map((title) => ({
        title,
        align: 'right' as const,
      }))
      output.print(
        `\n${renderTable([{ title: 'tensor' }, { title: 'dtype' }, { title: 'shape' }, ...right], tensors.map(tensorRow))}`,
      )
    }
    const files = found.files.map(({ name, bytes: size, sha256 }) => [short(name), bytes(size), sha256])
    output.print(
      `\n${renderTable([{ title: 'file' }, { title: 'size', align: 'right' }, { title: 'SHA-256' }], files)}`,
    )
    for (const note of found.notes) output.print(`\nnote: ${note}`)
  },
}
