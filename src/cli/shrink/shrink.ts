// tinystill shrink: parts cut out of a model, so that what is left is smaller and faster; and what that does to its answers.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError, TinystillError } from '../../errors.js'
import { hashFile } from '../../files/hash.js'
import { readFields } from '../../files/json-file.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { OWN_MODEL_TYPE } from '../../files/models/folder.js'
import {
  checkKind,
  classesOf,
  hasTokenizer,
  isQuantizedFolder,
  loadClassifier,
  loadPretrained,
  readModelFields,
} from '../../files/models/on-disk.js'
import { pretrainedFiles } from '../../files/models/pretrained.js'
import { weightFiles } from '../../files/models/quantized.js'
import { blocksOf } from '../../nn/models/config.js'
import type { HeadModel, Pretrained } from '../../nn/models/pretrained.js'
import { type Tokenizer, usualLength } from '../../text/encoding.js'
import { changeLine } from '../shared/change.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { type Compared, type CompareRules, compare, dataOf, type Rows, sizeTable } from '../shared/compare.js'
import { tellRows } from '../shared/data-report.js'
import { bytesOfFolder, bytesOfWeights, figureTable } from '../shared/figures.js'
import { readFor } from '../shared/labels-option.js'
import { place, requireOther } from '../shared/model-folder.js'
import { dataOptions } from '../shared/options.js'
import { checkSameRun, identityOf } from '../shared/run-identity.js'
import { count, renderTable } from '../shared/table.js'
import { aimFor } from './aim.js'
import { checkOptions, type ShrinkOptions, shrinkOptions } from './options.js'
import { type Cut, cutBy, keptOf, scoresOf, type Whole, wordsFor } from './parts.js'
import { retrain, retrainLine } from './retrain.js'

/** What says in a folder how it was cut. */
const RECORD = 'shrink.json'

type Use = 'train' | 'dev' | 'test'

/** A whole model, and where it classifies texts what is known of that. */
function open(folder: string): Whole & { classifier: TextClassifierFolder | null; notes: readonly string[] } {
  if (isQuantizedFolder(folder))
    throw new CheckpointError(
      folder,
      'holds a quantized model',
      'Cut the float model that it was made of, and quantize what is left',
    )
  if (readModelFields(folder).get('model_type') === OWN_MODEL_TYPE)
    throw new CheckpointError(
      folder,
      "holds a small model of tinystill's own, and parts are cut out of the BERT family's",
      'Train a smaller one: tinystill train',
    )
  if (classesOf(folder) === null || !hasTokenizer(folder)) {
    const { model, tokenizer, info } = loadPretrained(folder, { prefer: 'sequence-classification' })
    return { folder, model, tokenizer, classifier: null, notes: info.notes }
  }
  const classifier = loadClassifier(folder)
  const { model, tokenizer, notes } = classifier
  return { folder, model: model as HeadModel, tokenizer, classifier, notes }
}

/** The labelled files that are named. Throws CheckpointError where the model has no classes to be labelled with. */
function readRows(
  { folder, model, classifier }: ReturnType<typeof open>,
  options: ShrinkOptions,
  { output }: Context,
): { rules: CompareRules | null; rows: Partial<Record<Use, Rows>> } {
  const uses = (['train', 'dev', 'test'] as const).filter((use) => options[use] !== undefined)
  if (uses.length === 0) return { rules: null, rows: {} }
  if (classifier === null && !hasTokenizer(folder))
    throw new CheckpointError(
      folder,
      `has no tokenizer to read --${uses[0]} with`,
      'Leave it out: parts are judged by their weights then',
    )
  if (classifier === null)
    throw new CheckpointError(
      folder,
      `holds a ${model.kind} model, and --${uses[0]} is for one that classifies texts`,
      'Leave it out: parts are judged by their weights then',
    )
  const { problemType, classes } = classifier
  const maxLength = Math.min(options.maxLength ?? classifier.usualLength, classifier.maxLength)
  const reading = dataOptions(options, output)
  const read = (use: Use) => {
    const file = options[use] as string
    const set = readFor(file, classifier, options.labels, reading, output)
    tellRows(
      output,
      { ...classifier, folder },
      { ...set, file },
      dataOf(classifier, set, maxLength),
      maxLength,
    )
    return set
  }
  return {
    rules: { problemType, classes, maxLength, batchSize: options.batchSize },
    rows: Object.fromEntries(uses.map((use) => [use, read(use)])),
  }
}

/** Bytes of a model's weights in files. */
const bytesOf = (model: Pretrained): number =>
  bytesOfWeights(weightFiles(model, model.namedParameters(), [['format', 'pt']]))

/** Writes the folder, and reads it back before it is in its place. */
function write(
  out: string,
  model: Pretrained,
  tokenizer: Tokenizer | null,
  maxLength: number | undefined,
  record: unknown,
  output: Context['output'],
): void {
  checkKind(out, model)
  const files = pretrainedFiles({ model, tokenizer, maxLength })
  const text = `${JSON.stringify(record, null, 2)}\n`
  const check = (aside: string) => {
    const back = loadPretrained(aside, { as: model.kind })
    const want = model.stateDict()
    for (const [name, p] of back.model.stateDict()) {
      const own = want.get(name)?.elements
      if (own === undefined || p.elements.some((x, i) => !Object.is(x, own[i])))
        throw new CheckpointError(aside, `${name} is not what was written`, 'Check the disk')
      p.dispose()
    }
  }
  place(out, [[RECORD, text], ...files], output, { check })
}

/** How many of each part every layer has left. */
function leftTable(model: Pretrained, { kept, factored }: Cut, keepShape: boolean): string {
  const blocks = blocksOf(model.config)
  const right = (title: string) => ({ title, align: 'right' as const })
  return renderTable(
    [right('layer'), right('heads'), right('neurons'), ...(factored ? [{ title: 'ranks' }] : [])],
    kept.layers.map((layer, i) => [
      String(layer),
      String(keepShape ? kept.heads[layer].length : blocks[i].heads),
      String(keepShape ? kept.neurons[layer].length : blocks[i].inner),
      (factored ?? [])
        .filter((one) => one.layer === i && one.rank !== null)
        .map(({ name, rank }) => `${name} ${rank}`)
        .join(', '),
    ]),
  )
}

async function run(options: ShrinkOptions, context: Context): Promise<void> {
  const { output } = context
  const { model: folder, out } = options
  checkOptions(options)
  requireOther(out, folder)
  const to = options.retrain ? join(out, 'cut') : out
  const data = Object.fromEntries(
    (['train', 'dev', 'test'] as const).flatMap((use) => {
      const file = options[use]
      return file === undefined ? [] : [[use, hashFile(file)]]
    }),
  )
  const { resume: _, epochs: _epochs, lr: _lr, retrain: _retrain, ...own } = options
  const identity = identityOf({
    ...{ command: 'shrink', seed: options.seed, options: own, data },
    models: { model: folder },
  })
  const record = join(to, RECORD)
  if (options.resume && existsSync(record)) {
    checkSameRun(record, readFields(record).get('identity'), identity)
    output.info(`${to} is cut already`)
  } else await cut(options, to, identity, context)
  if (options.retrain) return retrain(options, to, context)
}

async function cut(options: ShrinkOptions, out: string, identity: unknown, context: Context): Promise<void> {
  const { output } = context
  const { model: folder, keepShape } = options
  const whole = open(folder)
  for (const note of whole.notes) output.info(`note: ${note}`)
  const { model, tokenizer, classifier } = whole
  checkKind(out, model)
  const { rules, rows } = readRows(whole, options, context)
  const words = wordsFor(whole, options, context)
  const reader = words?.tokenizer ?? tokenizer
  const train = rows.train && rules ? { rows: rows.train, rules } : null
  const scores = await scoresOf(whole, train, options, context)
  const at = (aim: { share: number } | null) =>
    cutBy(model, keptOf(model, scores, words, options, aim), options, context)
  const sideOf = (name: string, own: Pretrained, reads: Tokenizer) => ({
    ...{ name, model: own as TextClassifierFolder['model'], tokenizer: reads },
  })
  const before = classifier && tokenizer ? sideOf('before', model, tokenizer) : null
  // Not those of --train: a model knows them.
  const shown = rows.test ?? rows.dev ?? null
  const aim = await aimFor(
    options,
    {
      ...{ before, bytesOf, dev: rows.dev ?? null, rows: shown ?? rows.train ?? null, rules },
      at: (share) => {
        const made = at(share)
        return {
          model: made.model,
          side: sideOf('after', made.model, reader as Tokenizer),
          dispose: () => {
            for (const p of made.model.parameters()) p.dispose()
          },
        }
      },
    },
    context,
  )
  const made = at(aim)
  const left = made.model
  if (left.countParameters() === model.countParameters() && !keepShape)
    throw new TinystillError('shrink: nothing would be cut', 'Nothing was written. Let less stay')
  let compared: Compared | null = null
  if (before && rules && shown) {
    const sides = { before, after: sideOf('after', left, reader as Tokenizer) }
    compared = await compare(sides, shown, rules, context)
  }
  const maxLength = tokenizer === null ? undefined : usualLength(tokenizer, model.config.maxLength)
  const { heads, neurons, layers } = made.kept
  const parts = {
    ...{ layers, heads: layers.map((i) => heads[i]), width: left.config.width, words: left.config.vocabSize },
    neurons: layers.map((i) => neurons[i].length),
    ...(made.factored && { ranks: made.factored }),
    ...(aim && { share: aim.share }),
  }
  write(
    out,
    left,
    reader,
    maxLength,
    { identity, model: folder, parts, figures: compared?.figures ?? null },
    output,
  )
  tell(options, out, { model, left, made, compared, parts }, context)
  // What comes next loads both anew.
  for (const p of [...model.parameters(), ...left.parameters()]) p.dispose()
}

interface Told {
  model: Pretrained
  left: Pretrained
  made: Cut
  compared: Compared | null
  parts: unknown
}

function tell(
  options: ShrinkOptions,
  out: string,
  { model, left, made, compared, parts }: Told,
  { output }: Context,
) {
  const { model: folder, keepShape, train, retrain: goesOn } = options
  const sizes = { before: bytesOfFolder(folder), after: bytesOfFolder(out) }
  const parameters = { before: model.countParameters(), after: left.countParameters() }
  const names = { before: 'before', after: 'after' }
  if (compared !== null) output.print(`${figureTable(compared.figures)}\n`)
  output.print(sizeTable({ names, bytes: sizes, parameters, speeds: compared?.speeds ?? null }))
  if (left.family.body === 'blocks') output.print(`\n${leftTable(left, made, keepShape)}`)
  const { width, vocabSize } = left.config
  output.print(
    `\nwidth ${count(width)} of ${count(model.config.width)}, words ${count(vocabSize)} of ${count(model.config.vocabSize)}`,
  )
  if (compared !== null) output.print(changeLine(compared.change))
  output.print(`\nwrote ${out}: ${count(parameters.after)} parameters${keepShape ? ', zeros counted' : ''}`)
  const teaches = left.kind === 'sequence-classification' && !keepShape
  if (teaches && !goesOn) {
    const line = retrainLine(options, out, `${out}-retrained`)
    output.print(
      `what was lost comes back by learning from the whole model${train ? '' : ', from labelled texts'}:\n${line}`,
    )
  }
  if (!goesOn)
    output.json({
      ...{ model: folder, out, parameters, bytes: sizes, parts },
      ...(compared && { figures: compared.figures, speed: compared.speeds, change: compared.change }),
      ...(teaches && { retrain: retrainLine(options, out, `${out}-retrained`) }),
    })
}

export const shrinkCommand: CommandSpec<ShrinkOptions> = {
  name: 'shrink',
  describe:
    'Cuts heads, neurons, layers, width, words or ranks out of a model, for a smaller and faster one; every number says what stays',
  options: shrinkOptions,
  run,
}
