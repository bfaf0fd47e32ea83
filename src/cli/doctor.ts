// tinystill doctor: what runs here, and why.
import { availableParallelism } from 'node:os'
import { footprintOfConfig } from '../nn/footprint.js'
import { presets } from '../nn/models/presets.js'
import {
  type BackendReport,
  backendReport,
  examine,
  type GpuTrial,
  int8Build,
  type SizeClass,
} from '../tensor/backend.js'
import { int8Speed } from '../tensor/int8-speed.js'
import { memory, memoryLimit } from '../tensor/storage.js'
import { VERSION } from '../version.js'
import { lookAtModel, type ModelQuestion } from './doctor-model.js'
import type { CommandSpec } from './shared/command.js'
import { orderOption } from './shared/labels-option.js'
import type { Output } from './shared/output.js'
import { bytes, renderTable } from './shared/table.js'

/** One line a mode of gpu.js; one line in all where it is not there. */
function gpuLines(trials: GpuTrial[]): string[][] {
  if (trials.length === 0)
    return [['gpu', 'gpu.js is not installed (optional). Run: npm install gpu.js webgpu']]
  return trials.map((t) => [
    `gpu: ${t.mode}`,
    'why' in t
      ? `not here: ${t.why}`
      : `${t.driver}${t.software ? " (software: 'auto' never takes it)" : ''}`,
  ])
}

/** For the doctor's estimates. */
const BATCH = { texts: 32, words: 128 }

const speed = (x: number | null) => (x === null ? '-' : x.toPrecision(3))

function classTable(classes: SizeClass[], { build }: BackendReport): string {
  const columns = ['matmul up to', 'wasm GFLOP/s', 'gpu GFLOP/s', 'done by', 'why']
  const known = classes.some((c) => c.gpu !== null)
  const why = ({ wasm, gpu, winner }: SizeClass) => {
    if (gpu === null) return known ? 'the gpu is far slower at smaller sizes' : 'no gpu was measured'
    return winner === 'gpu' || gpu < wasm ? 'faster' : 'the gpu is software'
  }
  const rows = classes.map((c) => {
    const who = c.winner === 'gpu' ? 'gpu' : build === null ? 'js' : `wasm, ${build}`
    return [c.upTo === Infinity ? 'any size' : `${c.side}^3`, speed(c.wasm), speed(c.gpu), who, why(c)]
  })
  return renderTable(
    columns.map((title, i) => ({ title, align: i === 1 || i === 2 ? 'right' : 'left' })),
    rows,
  )
}

export const doctorCommand: CommandSpec<Partial<ModelQuestion>> = {
  name: 'doctor',
  describe:
    'Tell what runs here: versions, backends and why, where each kernel runs, speeds of matrix products; or what a model is for',
  options: (command) =>
    command
      .option('--model <dir>', 'tells of this model instead: its task, how labels for it are written')
      .option('--data <file>', 'and of the labels in this file')
      .addOption(orderOption()),
  run: async ({ model, data, labels }, { output }) => {
    if (model !== undefined)
      return lookAtModel({ model, ...(data !== undefined && { data }), ...(labels && { labels }) }, output)
    if (data !== undefined || labels !== undefined)
      throw new RangeError('--data and --labels go with --model')
    const { modes, classes } = examine()
    const report = backendReport()
    const int8 = { build: int8Build(), gops: int8Speed() }
    const facts = {
      tinystill: VERSION,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      processors: availableParallelism(),
    }
    output.json({ ...facts, memoryLimit: memoryLimit(), ...report, gpuModes: modes, matmul: classes, int8 })
    output.print(
      renderTable(
        [{ title: 'what' }, { title: 'here' }],
        [
          ...Object.entries(facts).map(([name, value]) => [name, String(value)]),
          ['backend', `${report.backend} (${report.why})`],
          ['threads', String(report.threads)],
          [
            'int8',
            `${int8.build === null ? 'plain loops' : `wasm, ${int8.build}`}: ${speed(int8.gops)} GOP/s, floats in and out`,
          ],
          ['shared memory', bytes(memory().reserved)],
          ['room for training', bytes(memoryLimit())],
          ...gpuLines(modes),
        ],
      ),
    )
    output.print(`\n${trainingSizes()}`)
    const measured = modes.flatMap((t) => ('why' in t ? [] : [{ title: t.mode, classes: t.classes }]))
    for (const { title, classes: by } of measured.length > 0 ? measured : [{ title: '', classes }])
      output.print(`\n${title === '' ? '' : `with ${title}:\n`}${classTable(by, report)}`)
    printKernels(output, report)
  },
}

/** What the training of a new model of each size takes. */
function trainingSizes(): string {
  const sizes = Object.entries(presets).map(([name, { family, settings }]) => {
    const config = { ...family.defaults, ...settings }
    const { total } = footprintOfConfig(family, 'sequence-classification', config, BATCH.texts * BATCH.words)
    return `${name} ${bytes(total)}`
  })
  return `training on ${BATCH.texts} texts of ${BATCH.words} words takes: ${sizes.join(', ')}`
}

function printKernels(output: Output, { kernels }: BackendReport): void {
  for (const backend of ['gpu', 'gpu or wasm', 'wasm', 'js']) {
    const names = Object.entries(kernels).flatMap(([name, b]) => (b === backend ? [name] : []))
    if (names.length > 0) output.print(`\n${backend}: ${names.join(', ')}`)
  }
}
