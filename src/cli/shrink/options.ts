// The options of tinystill shrink. Shares and numbers are of what is left.
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type HeadMethodName,
  headMethods,
  type LayerMethodName,
  layerMethods,
  type WeightMethodName,
  weightMethods,
} from '../../nn/shrink/methods.js'
import type { CommonOptions } from '../shared/command.js'
import { orderOption } from '../shared/labels-option.js'
import {
  addDataOptions,
  answerLengthOption,
  byteCount,
  type DataFileOptions,
  flagOf,
  goesWith,
  numberIn,
  readingNames,
  whole,
} from '../shared/options.js'

export interface ShrinkOptions extends CommonOptions, DataFileOptions {
  model: string
  out: string
  train?: string
  dev?: string
  test?: string
  heads?: number
  neurons?: number
  layers?: number
  width?: number
  vocabulary?: string[]
  minCount?: number
  rank?: number
  energy?: number
  keepShape: boolean
  parameters?: number
  size?: number
  latency?: number
  tolerance?: number
  texts?: number
  headsBy?: HeadMethodName
  neuronsBy?: WeightMethodName
  widthBy?: WeightMethodName
  layersBy?: LayerMethodName
  raw: boolean
  even: boolean
  labels?: string[]
  batchSize: number
  maxLength?: number
  retrain: boolean
  epochs?: number
  lr?: number
  resume: boolean
}

/** '10M', '500k', '12000000'. */
function partCount(text: string): number {
  const [, n, unit = ''] = /^(\d+(?:\.\d+)?)([km]?)$/i.exec(text) ?? []
  const factor = { '': 1, k: 1e3, m: 1e6 }[unit.toLowerCase()]
  if (n === undefined || factor === undefined || Number(n) * factor < 1)
    throw new InvalidArgumentError('It must be a number: 5000000, 5M, 500k.')
  return Math.floor(Number(n) * factor)
}

/** Above 0, at most 1. */
function share(text: string): number {
  const n = Number(text)
  if (text.trim() === '' || !(n > 0 && n <= 1))
    throw new InvalidArgumentError('It must be a share of what is there, above 0 and at most 1.')
  return n
}

/** What makes a model smaller by itself; and what heads and neurons are cut for, as far as nothing says how many of them stay. */
export const levers = ['heads', 'neurons', 'layers', 'width', 'vocabulary', 'rank', 'energy'] as const
export const targets = ['parameters', 'size', 'latency', 'tolerance'] as const

const choice = (flags: string, usual: string, methods: Readonly<Record<string, { describe: string }>>) => {
  const each = Object.entries(methods).map(([name, { describe }]) => `${name}: ${describe}`)
  return new Option(flags, `default ${usual}. ${each.join('; ')}`).choices(Object.keys(methods))
}

export function shrinkOptions(command: Command): Command {
  command
    .requiredOption('--model <dir>', 'folder of the model')
    .requiredOption('--out <dir>', 'folder for what is left of it')
    .option('--train <file>', 'labelled texts, by which parts are judged; without it by their weights alone')
    .option('--dev <file>', 'labelled texts that both models answer')
    .option('--test <file>', 'the same, in the place of --dev in the table')
    .option('--heads <share>', 'attention heads that stay, of all layers together: 0.5', share)
    .option('--neurons <share>', 'neurons of the inner layers that stay', share)
    .option('--layers <n>', 'layers that stay', whole(1, 1000))
    .option('--width <n>', 'hidden dimensions that stay', whole(1, 65_536))
    .option(
      '--vocabulary <file...>',
      'texts: words that none of them uses go, but for special ones and single letters; labels are not needed',
    )
    .option(
      '--min-count <n>',
      'of --vocabulary, words that its texts have fewer times go too, into pieces',
      whole(1),
    )
    .addOption(
      new Option(
        '--rank <share>',
        'linear layers become products of two smaller ones, with this share of the numbers',
      )
        .argParser(share)
        .conflicts('energy'),
    )
    .option(
      '--energy <share>',
      'the same, with as high a rank as holds this share of the sum of squares',
      share,
    )
    .option(
      '--keep-shape',
      'zeros in the place of heads and neurons, for programs that need the shape',
      false,
    )
    .option('--parameters <n>', 'cuts heads and neurons until so many parameters are left: 5M', partCount)
    .option('--size <bytes>', 'the same for the bytes of the weights in files: 20MB', byteCount)
    .option('--latency <share>', 'the same for the time of a text, measured beside the model: 0.5', share)
    .option(
      '--tolerance <points>',
      'cuts as many heads and neurons as cost at most so many points of the deciding figure on --dev, accuracy of classes: 1',
      numberIn(0, 100),
    )
    .option('--texts <n>', 'texts of --train that parts are judged by; default 600', whole(1))
    .addOption(choice('--heads-by <how>', 'michel', headMethods))
    .addOption(choice('--neurons-by <how>', 'first-order', weightMethods))
    .addOption(choice('--width-by <how>', 'first-order', weightMethods))
    .addOption(choice('--layers-by <how>', 'every-other', layerMethods))
    .option(
      '--raw',
      'takes scores of heads as they are, instead of divided by the length of those of their layer',
      false,
    )
    .option('--even', 'as many heads and neurons in each layer; of neurons alone Python loads it too', false)
    .addOption(orderOption())
    .option('--batch-size <n>', 'rows of a batch', whole(1), 64)
    .addOption(answerLengthOption())
    .option(
      '--retrain',
      'lets what is left learn from the model (tinystill distill), with --out as the run',
      false,
    )
    .option('--epochs <n>', 'of --retrain', whole(1, 10_000))
    .option('--lr <x>', 'of --retrain', numberIn(0, 10))
    .option('--resume', 'goes on with a --retrain that was ended', false)
  return addDataOptions(command)
}

/** Throws RangeError for options that do not go together, or say nothing. */
export function checkOptions(options: ShrinkOptions): void {
  const given = (name: keyof ShrinkOptions) => options[name] !== undefined
  const named = targets.filter(given)
  const fail = (what: string): never => {
    throw new RangeError(what)
  }
  if (named.length > 1) fail(`${named.map(flagOf).join(' and ')}: one aim at a time`)
  if (named.length === 0 && !levers.some(given))
    fail(
      `nothing is to be cut: say what stays, by ${levers.map(flagOf).join(', ')}, or an aim, by ${targets.map(flagOf).join(', ')}`,
    )
  if (named.length > 0 && given('heads') && given('neurons'))
    fail(
      `${flagOf(named[0])} cuts heads and neurons, and --heads and --neurons say how many stay: leave one of them out`,
    )
  goesWith(options, ['tolerance'], '--dev', given('dev'))
  if (given('latency') && !(['train', 'dev', 'test'] as const).some(given))
    fail('--latency is measured on texts: give --dev, --test or --train')
  for (const name of ['headsBy', 'neuronsBy', 'widthBy'] as const) {
    const how = options[name]
    if (how !== undefined && how !== 'magnitude' && !given('train'))
      fail(`${flagOf(name)} ${how} goes with --train`)
  }
  if (options.layersBy === 'first-order' && !given('train')) fail('--layers-by first-order goes with --train')
  if (options.keepShape) {
    const cut = (['width', 'latency', 'size', 'parameters'] as const).find(given)
    if (cut !== undefined)
      fail(`--keep-shape leaves zeros, which take as much room and time: it does not go with ${flagOf(cut)}`)
    if (options.retrain)
      fail('--keep-shape: what is zero would learn again under --retrain; cut, and retrain')
  }
  goesWith(options, ['retrain', 'texts'], '--train', given('train'))
  goesWith(options, ['epochs', 'lr', 'resume'], '--retrain', options.retrain)
  const files = ['train', 'dev', 'test'] as const
  goesWith(options, ['labels', 'maxLength'], files.map(flagOf).join(', '), files.some(given))
  goesWith(
    options,
    readingNames,
    [...files, 'vocabulary'].map(flagOf).join(', '),
    given('vocabulary') || files.some(given),
  )
  goesWith(options, ['minCount'], '--vocabulary', given('vocabulary'))
  // What says by which order parts go, of parts that stay.
  const cuts = {
    headsBy: 'heads',
    neuronsBy: 'neurons',
    widthBy: 'width',
    layersBy: 'layers',
    raw: 'heads',
  } as const
  for (const [by, part] of Object.entries(cuts) as [keyof typeof cuts, (typeof cuts)[keyof typeof cuts]][]) {
    const aimed = named.length > 0 && (part === 'heads' || part === 'neurons')
    goesWith(options, [by], aimed ? '' : flagOf(part), aimed || given(part))
  }
  const counted = named.length > 0 || given('heads') || given('neurons')
  goesWith(options, ['even'], '--heads or --neurons', counted)
  goesWith(
    options,
    ['keepShape'],
    '--heads, --neurons, --rank or --energy',
    counted || given('rank') || given('energy'),
  )
}
