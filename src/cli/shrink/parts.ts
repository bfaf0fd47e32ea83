// A model's parts in the order of what they are worth, and the smaller model that a choice of them makes.
import { DataError } from '../../errors.js'
import { readTexts } from '../../files/data/texts.js'
import { linearsOf } from '../../nn/encoder.js'
import { blocksOf } from '../../nn/models/config.js'
import type { HeadModel, Pretrained } from '../../nn/models/pretrained.js'
import { cutConfig, cutModel, maskModel } from '../../nn/shrink/cut.js'
import { type BatchLoss, Importance, type Scores } from '../../nn/shrink/importance.js'
import { allOf, best, bestOfLayers, COLUMNS, type Kept } from '../../nn/shrink/kept.js'
import { type Factored, lowRankModel, type RankRule, wholeModel } from '../../nn/shrink/low-rank.js'
import { layerMethods } from '../../nn/shrink/methods.js'
import type { Tokenizer } from '../../text/encoding.js'
import { type FewerWords, fewerWords, hasFewerWords } from '../../text/fewer-words.js'
import { breathe } from '../../train/pace.js'
import { tasks } from '../../train/tasks.js'
import type { Context } from '../shared/command.js'
import { type CompareRules, dataOf, type Rows } from '../shared/compare.js'
import { type DataFileOptions, dataOptions } from '../shared/options.js'
import type { ShrinkOptions } from './options.js'

/** What is cut: the model with what reads its texts. */
export interface Whole {
  folder: string
  model: Pretrained
  tokenizer: Tokenizer | null
}

/** Texts that parts are judged by. */
const TEXTS = 600

/** Texts of a batch, forward and back. */
const BATCH = 32

/** What cuts something else than words. */
const partFlags = [
  ...(['heads', 'neurons', 'layers', 'width', 'rank', 'energy'] as const),
  ...(['parameters', 'size', 'latency', 'tolerance'] as const),
] as const

/**
 * How much each part is worth: by the first texts of --train, or without it by weights alone. null of a model that has no such
 * parts, where none is asked for.
 */
export async function scoresOf(
  { model, tokenizer }: Whole,
  train: { rows: Rows; rules: CompareRules } | null,
  options: ShrinkOptions,
  { progress }: Context,
): Promise<Scores | null> {
  const { texts: most = TEXTS, headsBy, neuronsBy, widthBy, width, raw } = options
  const words = options.vocabulary !== undefined && partFlags.every((flag) => options[flag] === undefined)
  if (model.family.body !== 'blocks' && words) return null
  const usual = train === null ? 'magnitude' : undefined
  const importance = new Importance(model, {
    ...{ heads: headsBy ?? usual, neurons: neuronsBy ?? usual },
    // Batch by batch that is a pass over all weights: only where it is asked for.
    width: width === undefined ? 'magnitude' : (widthBy ?? usual),
    perLayer: !raw,
  })
  if (train === null || tokenizer === null) return importance.scores()
  const { rows, rules } = train
  const n = Math.min(most, rows.texts.length)
  const part: Rows = {
    texts: rows.texts.slice(0, n),
    pairs: rows.pairs?.slice(0, n) ?? null,
    labels: rows.labels && Array.from(rows.labels).slice(0, n),
    targets: rows.targets && Array.from(rows.targets).slice(0, n * rules.classes.length),
  }
  const data = dataOf({ tokenizer }, part, rules.maxLength)
  const terms = tasks[rules.problemType].loss(data, {})
  const loss: BatchLoss = (output, own) => terms(output, own).total
  progress.start('what parts are worth', n)
  let done = 0
  for (const own of data.batches(BATCH, null)) {
    importance.add(data.input(own), own, loss)
    done += own.length
    progress.update(done, {})
    await breathe()
  }
  progress.finish('')
  return importance.scores()
}

/** All texts of files, those of pairs too. */
export const textsOf = (
  files: readonly string[],
  options: DataFileOptions,
  output: Context['output'],
): string[] =>
  files.flatMap((file) => {
    const { texts, pairs } = readTexts(file, { ...dataOptions(options, output), labels: 'none' })
    return [...texts, ...(pairs ?? []).filter((text) => text !== null)]
  })

/** The words of files' texts, where --vocabulary names some. Throws DataError for tokenizers of other kinds. */
export function wordsFor(
  { tokenizer, folder }: Pick<Whole, 'tokenizer' | 'folder'>,
  options: Pick<ShrinkOptions, 'vocabulary' | 'minCount'> & DataFileOptions,
  { output }: Pick<Context, 'output'>,
): FewerWords | null {
  const files = options.vocabulary
  if (files === undefined) return null
  if (tokenizer === null || !hasFewerWords(tokenizer))
    throw new DataError(folder, 'has no tokenizer whose vocabulary can be cut', 'Leave --vocabulary out')
  return fewerWords(tokenizer, textsOf(files, options, output), options)
}

/** How much of what no option says stays. */
export interface Aim {
  share: number
}

/** Parts that cannot be cut out of such a model, each with why, and what can be instead. */
export function partsThatStay({
  config: { bottleneck },
  family: { addsDistances, className },
}: Pick<Pretrained, 'config' | 'family'>): Partial<Record<'heads' | 'neurons' | 'width', string>> {
  const others = 'Leave it out: --heads, --layers and --vocabulary cut such a model'
  return {
    // Heads of all layers together would have to be the same ones.
    ...(addsDistances && {
      heads: `the heads of an ${className} share one table of distances for all layers. Leave it out: --neurons, --layers and --width cut such a model, and --keep-shape writes zeros`,
    }),
    ...(bottleneck !== null && {
      width: `blocks see the states through layers of their own, whose width stays, those of a ${className}. ${others}`,
    }),
    ...((bottleneck?.networks ?? 1) > 1 && {
      neurons: `the ${bottleneck?.networks} inner layers of a block are of one width, those of a ${className}. ${others}`,
    }),
  }
}

/** Throws RangeError for more layers or dimensions than there are, and for parts that stay. */
export function keptOf(
  model: Pretrained,
  scores: Scores | null,
  words: FewerWords | null,
  { heads, neurons, layers: depth, width, layersBy = 'every-other', even, keepShape }: ShrinkOptions,
  aim: Aim | null,
): Kept {
  const { config, family } = model
  const all = allOf(config)
  if (scores === null) return { ...all, words: words?.kept ?? all.words }
  const most = (name: string, asked: number, there: number) => {
    if (asked > there) throw new RangeError(`--${name} ${asked}: the model has ${there}`)
  }
  if (depth !== undefined) most('layers', depth, config.layers)
  if (width !== undefined) most('width', width, config.width)
  const layers =
    depth === undefined ? all.layers : layerMethods[layersBy].keep(depth, config.layers, scores.layers)
  const rest = aim?.share ?? 1
  const stay = partsThatStay(model)
  if (keepShape) delete stay.heads
  const less = { heads: heads ?? 1, neurons: neurons ?? 1, width: (width ?? config.width) / config.width }
  for (const [flag, why] of Object.entries(stay) as [keyof typeof less, string][])
    if (less[flag] < 1) throw new RangeError(`--${flag}: ${why}`)
  const chosen = (of: 'heads' | 'neurons', share: number, step: number) => {
    const own = bestOfLayers(
      layers.map((layer) => scores[of][layer]),
      share,
      { even: even || family.sharesLayers, step },
    )
    // A layer that goes is not looked at.
    return all[of].map((places, layer) => own[layers.indexOf(layer)] ?? places)
  }
  return {
    layers,
    heads: chosen('heads', heads ?? (stay.heads ? 1 : rest), 1),
    neurons: chosen('neurons', neurons ?? (stay.neurons ? 1 : rest), COLUMNS),
    width: width === undefined ? all.width : best(scores.width, width),
    pooled: width === undefined ? all.pooled : pooledOf(model, scores, width),
    words: words?.kept ?? all.words,
  }
}

/** Of models without a pooler for classes the hidden dimensions themselves. */
const pooledOf = ({ kind }: Pretrained, scores: Scores, width: number) =>
  best(kind === 'sequence-classification' ? scores.pooled : scores.width, width)

export const rankRule = ({ rank, energy }: ShrinkOptions): RankRule | null =>
  rank !== undefined ? { share: rank } : energy !== undefined ? { energy } : null

export interface Cut {
  model: HeadModel
  kept: Kept
  /** null: layers stay one matrix each. */
  factored: Factored[] | null
}

/** The smaller model, or with --keep-shape one with zeros. The whole one stays as it is. */
export function cutBy(
  model: Pretrained,
  kept: Kept,
  options: Pick<ShrinkOptions, 'keepShape' | 'rank' | 'energy'>,
  { progress }: Pick<Context, 'progress'>,
): Cut {
  const { keepShape } = options
  const shape = keepShape ? { ...allOf(model.config), layers: kept.layers, words: kept.words } : kept
  let made = cutModel(model, shape)
  if (keepShape) {
    const [heads, neurons] = [kept.heads, kept.neurons].map((own) => kept.layers.map((layer) => own[layer]))
    maskModel(made, { heads, neurons })
  }
  const rule = rankRule(options as ShrinkOptions)
  if (rule === null) return { model: made as HeadModel, kept, factored: null }
  progress.start('singular values', blocksOf(made.config).length * linearsOf(model.family.gated).length)
  const onLayer = (done: number) => progress.update(done, {})
  // The ranks of what is left, so that the answers are too.
  const sizes = blocksOf(cutConfig(model.config, kept))
  const { model: low, factored } = lowRankModel(made, rule, onLayer, sizes)
  progress.finish('')
  for (const p of made.parameters()) p.dispose()
  made = low
  if (keepShape) {
    made = wholeModel(low)
    for (const p of low.parameters()) p.dispose()
  }
  return { model: made as HeadModel, kept, factored }
}
