// tinystill quantize: a model's weights in whole numbers of 8 bits, and what that does to its answers, size and speed.
import { type Command, Option } from 'commander'
import { tidy } from '../../autograd/tidy.js'
import { CheckpointError, TinystillError } from '../../errors.js'
import { readTexts } from '../../files/data/texts.js'
import type { FileContent } from '../../files/disk.js'
import { checkNoRun } from '../../files/model-place.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { checkKind, loadClassifier } from '../../files/models/on-disk.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Module } from '../../nn/module.js'
import { type EngineScheme, engineSchemes } from '../../nn/quantize-aware/schemes.js'
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
import type { Classifier } from '../../train/predict.js'
import { tasks } from '../../train/tasks.js'
import { changeLine } from '../shared/change.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { type Compared, compare, dataOf, sizeTable } from '../shared/compare.js'
import { tellRows } from '../shared/data-report.js'
import { bytesOfFolder, bytesOfWeights, figureTable } from '../shared/figures.js'
import { orderOption, readFor } from '../shared/labels-option.js'
import { openModel, place, readBack } from '../shared/model-folder.js'
import {
  addDataOptions,
  answerLengthOption,
  type DataFileOptions,
  dataOptions,
  goesWith,
  numberIn,
  readingNames,
  whole,
} from '../shared/options.js'
import { bytes, count } from '../shared/table.js'
import { type Beside, besideEngines, besideTable } from './beside.js'
import { type LayerEffect, sensitivity, sensitivityReport, sensitivityTable } from './sensitivity.js'

interface QuantizeOptions extends DataFileOptions {
  model: string
  out: string
  dev?: string
  bits: Int8Bits
  tolerance?: number
  static?: RangeMethod
  calibration?: string
  sensitivity?: number
  beside?: EngineScheme[]
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

interface Judged extends Compared {
  /** Layer by layer, where that was asked for. */
  layers: LayerEffect[] | null
  /** As other engines would quantize the float model; of none empty. */
  beside: Beside[]
}

/** Both models on the same rows, their speeds in turn. */
async function judge(
  {
    dev: file = '',
    labels: listed,
    batchSize,
    maxLength: asked,
    sensitivity: first,
    beside: engines = [],
    ...options
  }: QuantizeOptions,
  float: TextClassifierFolder,
  quantized: TextClassifierFolder['model'],
  context: Context,
): Promise<Judged> {
  const { output } = context
  const { classes, problemType, tokenizer } = float
  const maxLength = Math.min(asked ?? float.usualLength, float.maxLength)
  const set = readFor(file, float, listed, dataOptions(options, output), output)
  const sides = {
    before: { name: NAMES.before, model: float.model, tokenizer },
    after: { name: NAMES.after, model: quantized, tokenizer },
  }
  const read = { ...sides.before, folder: options.model }
  tellRows(output, read, { ...set, file }, dataOf(read, set, maxLength), maxLength)
  const how = { problemType, classes, maxLength, batchSize }
  const compared = await compare(sides, set, how, context)
  const { texts, pairs, labels, targets } = set
  const part = () =>
    textData(texts.slice(0, first), labels?.slice(0, first) ?? null, tokenizer, maxLength, {
      pairs: pairs?.slice(0, first) ?? null,
      targets: targets?.slice(0, (first ?? 0) * classes.length) ?? null,
    })
  const rules = { bits: options.bits, type: problemType, classes }
  return {
    ...compared,
    beside: await besideEngines(sides.before, engines, compared.logits.before, { set, rules: how, context }),
    layers: first === undefined ? null : await sensitivity(float.model, part(), rules, context),
  }
}

const NAMES = { before: 'float', after: 'int8' }

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
        .addOption(
          new Option(
            '--beside <engine...>',
            'what the dynamic quantization of these engines would answer to --dev, in batches of --batch-size, on which it depends',
          ).choices([...engineSchemes]),
        )
        .addOption(orderOption())
        .option('--batch-size <n>', 'rows of a batch', whole(1), 64)
        .addOption(answerLengthOption()),
    ),
  run: async (options, context) => {
    const { output } = context
    const { model: folder, out, dev, tolerance } = options
    goesWith(options, ['tolerance', 'sensitivity', 'beside', 'labels'], '--dev', dev !== undefined)
    const reads = dev !== undefined || options.calibration !== undefined
    goesWith(options, readingNames, '--dev or --calibration', reads)
    const bits = Number(options.bits) as Int8Bits
    const { model, notes, files } = quantizedOf(folder, bits, measureFor(options, context))
    for (const note of notes) output.info(`note: ${note}`)
    checkKind(out, model)
    checkNoRun(out)
    const float = dev === undefined ? null : loadClassifier(folder)
    const judged =
      float === null
        ? null
        : await judge({ ...options, bits }, float, model as TextClassifierFolder['model'], context)
    if (float !== null && judged !== null && tolerance !== undefined)
      checkLoss(judged, tasks[float.problemType].metrics[0], tolerance)
    const sizes = { before: bytesOfFolder(folder), after: bytesOfWeights(files()) }
    const [metric] = tasks[float?.problemType ?? 'single_label_classification'].metrics
    const report: FileContent[] =
      judged?.layers && dev !== undefined
        ? [
            [
              'report.html',
              sensitivityReport(judged.layers, {
                model: folder,
                dev,
                bits,
                metric,
                models: modelsTable(judged, sizes),
              }),
            ],
          ]
        : []
    place(out, [...report, ...files()], output, { check: readBack })
    if (judged !== null)
      output.print(`${figureTable({ float: judged.figures.before, int8: judged.figures.after })}\n`)
    output.print(sizeTable({ names: NAMES, bytes: sizes, speeds: judged?.speeds ?? null }))
    if (judged !== null) output.print(`\n${changeLine(judged.change)}`)
    if (judged !== null && judged.beside.length > 0) {
      const own = { name: 'tinystill', figures: judged.figures.after, change: judged.change }
      output.print(`\n${besideTable([own, ...judged.beside], metric)}`)
    }
    if (judged?.layers) output.print(`\n${sensitivityTable(judged.layers, metric, SHOWN_LAYERS)}`)
    output.print(`\nwrote ${out}: ${count(countWeights(model))} weights`)
    output.json({
      ...{ model: folder, out, bits, weights: countWeights(model), bytes: sizes },
      ...(judged && {
        ...{ figures: judged.figures, speed: judged.speeds, change: judged.change },
        ...(judged.layers && { layers: judged.layers }),
        ...(judged.beside.length > 0 && { beside: judged.beside }),
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
