// tinystill quantize: a model's weights in whole numbers of 8 bits, and what that does to its answers, size and speed.
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { tidy } from '../../autograd/tidy.js'
import { CheckpointError, TinystillError } from '../../errors.js'
import { readTexts } from '../../files/data/texts.js'
import { loadClassifier, type TextClassifierFolder } from '../../files/models/classifiers.js'
import { checkKind } from '../../files/models/quantized.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Module } from '../../nn/module.js'
import { calibrate, type RangeMethod, rangeMethods } from '../../nn/quantized/calibrate.js'
import {
  countWeights,
  type QuantizeOptions as QuantizeSettings,
  quantize,
} from '../../nn/quantized/quantize.js'
import { type Int8Bits, int8Bits } from '../../tensor/int8.js'
import { textData } from '../../text/dataset.js'
import type { Tokenizer } from '../../text/encoding.js'
import { lessIsBetter } from '../../train/keeper.js'
import { type Classifier, predictInTurns } from '../../train/predict.js'
import type { Figures } from '../../train/reports.js'
import { tasks } from '../../train/tasks.js'
import { type Change, changeLine, changeOf } from '../shared/change.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { orderOption, readFor } from '../shared/labels-option.js'
import { openModel } from '../shared/model-folder.js'
import {
  addDataOptions,
  answerLengthOption,
  type DataFileOptions,
  dataOptions,
  numberIn,
  whole,
} from '../shared/options.js'
import { measureSpeeds, type Speed, shownSpeed } from '../shared/speed.js'
import { bytes, count, renderTable } from '../shared/table.js'
import { type LayerEffect, sensitivity, sensitivityTable, writeSensitivity } from './sensitivity.js'

interface QuantizeOptions extends DataFileOptions {
  model: string
  out: string
  dev?: string
  bits: Int8Bits
  tolerance?: number
  static?: RangeMethod
  calibration?: string
  sensitivity?: number
  labels?: string[]
  batchSize: number
  maxLength?: number
}

/** What is measured of the float model before it is quantized; undefined: nothing. */
type Measure = (model: Module, tokenizer: Tokenizer | null, maxLength: number) => QuantizeSettings['ranges']

/** A folder's model made a quantized one, and how it is written. */
function quantizedOf(folder: string, bits: Int8Bits, measure: Measure) {
  const opened = openModel(folder)
  const { model, tokenizer, maxLength } = opened
  quantizeWith(model, bits, measure(model, tokenizer, maxLength))
  return opened
}

const quantizeWith = (model: Module, bits: Int8Bits, ranges: QuantizeSettings['ranges']) =>
  quantize(model, { bits, ...(ranges && { ranges }) })

/** Texts that ranges are measured on, and how many together. */
const CALIBRATION = 512
const CALIBRATION_BATCH = 64

/** Ranges of the inputs on a file's first texts, where --static asks for them. */
function measureFor(options: QuantizeOptions, { output }: Context): Measure {
  const { static: method, calibration } = options
  if ((method === undefined) !== (calibration === undefined))
    throw new RangeError('--static and --calibration go together')
  if (method === undefined || calibration === undefined) return () => undefined
  return (model, tokenizer, maxLength) => {
    if (tokenizer === null)
      throw new CheckpointError(options.model, 'has no tokenizer to read the texts of --calibration with')
    const { texts, pairs } = readTexts(calibration, { ...dataOptions(options, output), labels: 'none' })
    const rows = texts.slice(0, CALIBRATION)
    const data = textData(rows, null, tokenizer, Math.min(options.maxLength ?? maxLength, maxLength), {
      pairs: pairs?.slice(0, CALIBRATION) ?? null,
    })
    const forward = (model as Classifier<TextInput>).forward.bind(model)
    return calibrate(
      model,
      () => {
        for (const batch of data.batches(CALIBRATION_BATCH, null)) tidy(() => void forward(data.input(batch)))
      },
      method,
    )
  }
}

interface Judged {
  /** Layer by layer, where that was asked for. */
  layers: LayerEffect[] | null
  figures: Record<'before' | 'after', Figures>
  speeds: Record<'before' | 'after', Speed>
  change: Change
}

/** Both models on the same rows, their speeds in turn. */
async function judge(
  {
    dev: file = '',
    labels: listed,
    batchSize,
    maxLength: asked,
    sensitivity: first,
    ...options
  }: QuantizeOptions,
  float: TextClassifierFolder,
  quantized: TextClassifierFolder['model'],
  context: Context,
): Promise<Judged> {
  const { output, progress } = context
  const { classes, problemType, tokenizer } = float
  const task = tasks[problemType]
  const maxLength = Math.min(asked ?? float.usualLength, float.maxLength)
  const { texts, pairs, labels, targets } = readFor(file, float, listed, dataOptions(options, output), output)
  const data = textData(texts, labels, tokenizer, maxLength, { pairs, targets })
  const answer = async (name: string, model: TextClassifierFolder['model']) => {
    progress.start(name, data.size)
    const logits = await predictInTurns(model, data, {
      batchSize,
      onBatch: (done) => progress.update(done, {}),
    })
    progress.finish('')
    return logits
  }
  const [before, after] = [await answer('float', float.model), await answer('int8', quantized)]
  const figures = (logits: Float32Array) => task.judge(logits, data, classes).figures
  const few = (n: number) =>
    textData(texts.slice(0, n), null, tokenizer, maxLength, { pairs: pairs?.slice(0, n) ?? null })
  const timed = (model: TextClassifierFolder['model']) => ({ model, few, batchSize })
  const models = new Map([
    ['before', timed(float.model)],
    ['after', timed(quantized)],
  ])
  const speeds = await measureSpeeds(models, context)
  const speed = (name: string) => speeds.get(name) as Speed
  const part = () =>
    textData(texts.slice(0, first), labels?.slice(0, first) ?? null, tokenizer, maxLength, {
      pairs: pairs?.slice(0, first) ?? null,
      targets: targets?.slice(0, (first ?? 0) * classes.length) ?? null,
    })
  const rules = { bits: options.bits, type: problemType, classes }
  return {
    layers: first === undefined ? null : await sensitivity(float.model, part(), rules, context),
    figures: { before: figures(before), after: figures(after) },
    speeds: { before: speed('before'), after: speed('after') },
    change: changeOf(problemType, before, after, classes.length),
  }
}

/** Throws where the deciding figure fell by more than is allowed. Of errors (mse) a rise counts. */
function checkLoss({ figures }: Judged, metric: string, tolerance: number): void {
  const [before, after] = [figures.before[metric], figures.after[metric]]
  const loss = lessIsBetter(metric) ? after - before : before - after
  if (loss > tolerance)
    throw new TinystillError(
      `quantize: ${metric} falls by ${loss.toPrecision(3)}, from ${before.toPrecision(4)} to ${after.toPrecision(4)}, and --tolerance allows ${tolerance}`,
      'Nothing was written. Try --bits 8, or allow more',
    )
}

export const quantizeCommand: CommandSpec<QuantizeOptions> = {
  name: 'quantize',
  describe:
    "A model's weights in whole numbers of 8 bits: a quarter of the size, about twice the speed; with --dev what that does to its answers",
  options: (command: Command) =>
    addDataOptions(
      command
        .requiredOption('--model <dir>', 'folder of the float model')
        .requiredOption('--out <dir>', 'folder for the quantized one')
        .option('--dev <file>', 'labelled texts that both models answer: figures, changed answers, speeds')
        .addOption(
          new Option('--bits <n>', 'of the linear layers: 7 is the faster product, 8 the finer one')
            .argParser((text) => int8Bits.find((b) => String(b) === text) as Int8Bits)
            .choices(int8Bits.map(String))
            .default(7),
        )
        .option(
          '--tolerance <loss>',
          'writes nothing where the deciding figure, accuracy of classes, falls by more: 0.005',
          numberIn(0, 1),
        )
        .addOption(
          new Option(
            '--static <how>',
            "ranges of the layers' inputs from --calibration, instead of each word's own when it comes: faster by little, and further from the float model",
          ).choices([...rangeMethods]),
        )
        .option('--calibration <file>', `texts for --static, of which the first ${CALIBRATION} are taken`)
        .option(
          '--sensitivity <n>',
          'also quantizes each layer alone and lets it answer the first n texts of --dev; the picture is report.html in --out',
          whole(1),
        )
        .addOption(orderOption())
        .option('--batch-size <n>', 'rows of a batch', whole(1), 64)
        .addOption(answerLengthOption()),
    ),
  run: async (options, context) => {
    const { output } = context
    const { model: folder, out, dev, tolerance } = options
    for (const name of ['tolerance', 'sensitivity'] as const)
      if (options[name] !== undefined && dev === undefined) throw new RangeError(`--${name} goes with --dev`)
    const bits = Number(options.bits) as Int8Bits
    const { model, notes, write } = quantizedOf(folder, bits, measureFor(options, context))
    for (const note of notes) output.info(`note: ${note}`)
    checkKind(out, model)
    const float = dev === undefined ? null : loadClassifier(folder)
    const judged =
      float === null
        ? null
        : await judge({ ...options, bits }, float, model as TextClassifierFolder['model'], context)
    if (float !== null && judged !== null && tolerance !== undefined)
      checkLoss(judged, tasks[float.problemType].metrics[0], tolerance)
    write(out)
    const sizes = { before: bytesOfFolder(folder), after: bytesOfFolder(out) }
    if (judged !== null)
      output.print(`${figureTable({ float: judged.figures.before, int8: judged.figures.after })}\n`)
    output.print(sizeTable(sizes, judged))
    if (judged !== null) output.print(`\n${changeLine(judged.change)}`)
    if (float !== null && judged?.layers && dev !== undefined) {
      const [metric] = tasks[float.problemType].metrics
      output.print(`\n${sensitivityTable(judged.layers, metric, SHOWN_LAYERS)}`)
      const models = modelsTable(judged, sizes)
      writeSensitivity(join(out, 'report.html'), judged.layers, { model: folder, dev, bits, metric, models })
    }
    output.print(`\nwrote ${out}: ${count(countWeights(model))} weights`)
    output.json({
      ...{ model: folder, out, bits, weights: countWeights(model), bytes: sizes },
      ...(judged && {
        ...{ figures: judged.figures, speed: judged.speeds, change: judged.change },
        ...(judged.layers && { layers: judged.layers }),
      }),
    })
  },
}

/** Layers that are shown in a terminal. */
const SHOWN_LAYERS = 10

/** Both models, for the report. */
function modelsTable({ figures, speeds }: Judged, sizes: Record<'before' | 'after', number>) {
  const names = Object.keys(figures.before)
  const row = (name: string, of: 'before' | 'after') => [
    ...[name, bytes(sizes[of]), ...names.map((figure) => figures[of][figure])],
    ...[speeds[of].msPerExample, speeds[of].examplesPerSecond],
  ]
  return {
    columns: ['model', 'size', ...names, 'ms a text', 'texts a second'],
    rows: [row('float', 'before'), row('int8', 'after')],
  }
}

function sizeTable(sizes: Record<'before' | 'after', number>, judged: Judged | null): string {
  const row = (name: string, of: 'before' | 'after') => {
    const speed = judged?.speeds[of]
    const shown = speed ? [shownSpeed(speed), count(speed.examplesPerSecond)] : []
    return [name, bytes(sizes[of]), ...shown]
  }
  const ratio = (better: (s: Speed) => number) =>
    judged ? [(better(judged.speeds.after) / better(judged.speeds.before)).toFixed(2)] : []
  const titles = ['weights', 'size', ...(judged ? ['ms a text alone', 'texts a second'] : [])]
  return renderTable(
    titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    [
      row('float', 'before'),
      row('int8', 'after'),
      [
        'int8 / float',
        (sizes.after / sizes.before).toFixed(3),
        ...ratio((s) => s.msPerExample),
        ...ratio((s) => s.examplesPerSecond),
      ],
    ],
  )
}
