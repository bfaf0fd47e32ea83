// What of a teacher's outputs is kept, by the options of `label`.
import { type Command, Option } from 'commander'
import { CheckpointError } from '../../errors.js'
import {
  type CachedTask,
  type CacheSettings,
  type HiddenKind,
  hasSeveral,
  hiddenKinds,
} from '../../files/cache/manifest.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { Pretrained } from '../../nn/models/pretrained.js'
import { trainingLength } from '../../text/encoding.js'
import { usualStride, usualOf as usualWindow } from '../../text/questions/windows.js'
import { everyTask } from '../../train/tagging/tasks.js'
import type { PartsOptions } from '../parts/each.js'
import { type DataFileOptions, docStrideOption, goesWith, whole } from '../shared/options.js'

export interface LabelOptions extends DataFileOptions, PartsOptions {
  teacher: string
  data?: string
  out: string
  topK?: number
  dtype: CacheSettings['dtype']
  hidden: HiddenKind
  layers?: number[]
  maxLength?: number
  batchSize: number
  shardRows?: number
  resume: boolean
  /** Vectors of a sentence encoder instead of logits. */
  embeddings?: boolean
}

/** Rows of a shard: with the states of all tokens one has a few hundred times as many numbers. */
const SHARD_ROWS = { none: 4096, cls: 4096, last: 256, all: 256 } as const

export function addSettingsOptions(command: Command): Command {
  return command
    .option(
      '--embeddings',
      'keep the vectors of a sentence encoder, instead of the logits of a classifier',
      false,
    )
    .option('--top-k <k>', 'keep the largest k logits of a text, and the probability of the rest', whole(1))
    .addOption(
      new Option('--dtype <name>', 'of logits and states').choices(['float32', 'float16']).default('float32'),
    )
    .addOption(
      new Option(
        '--hidden <which>',
        'states kept: of all tokens of the last layer or of all, or of the first token of all',
      )
        .choices(hiddenKinds)
        .default('none'),
    )
    .option('--layers <list>', 'only these, as 0,3,6; 0 are the embeddings', layerList)
    .option(
      '--max-length <n>',
      'tokens of a text; default 128, or fewer where the teacher takes fewer: that of train and distill',
      whole(2),
    )
    .addOption(docStrideOption())
    .option('--batch-size <n>', 'rows of a batch', whole(1), 64)
    .option(
      '--shard-rows <n>',
      'rows of a file of the cache; default 4096, with states of all tokens 256; of parts at most that, without a rest',
      whole(1),
    )
}

function layerList(list: string): number[] {
  return list.split(',').map(whole(0, 1000))
}

/** A classifier, a model of words or one that finds answers, or with `embedding`, the size of its vectors, a sentence encoder. */
export interface LabellingFolder extends Omit<TextClassifierFolder, 'problemType'> {
  problemType: CachedTask
  embedding?: number
}

/** Of a sentence encoder its folder's own length counts, where that is less. */
const usualOf = (
  tokenizer: LabellingFolder['tokenizer'],
  most: number,
  embedding: number | undefined,
  usual: number,
  problemType: CachedTask,
): number =>
  Math.min(
    trainingLength([tokenizer], most, usualWindow(problemType)),
    embedding === undefined ? most : usual,
  )

/** usual: rows of a shard where they are not asked for, by what they would be. */
export function settingsOf(
  options: LabelOptions,
  { model, tokenizer, classes, maxLength, problemType, embedding, ...own }: LabellingFolder,
  usual: (rows: number) => number = (rows) => rows,
): CacheSettings {
  const { topK = null, dtype, hidden, batchSize, shardRows = usual(SHARD_ROWS[hidden]) } = options
  if (topK !== null && embedding !== undefined)
    throw new RangeError('--top-k goes with logits, not with --embeddings')
  if (topK !== null && problemType !== 'single_label_classification')
    throw new RangeError(
      `--top-k ${topK}: the teacher gives ${everyTask[problemType].gives(classes)}, of which all count: leave it out`,
    )
  if (topK !== null && topK >= classes.length)
    throw new RangeError(
      `--top-k ${topK}: the teacher has ${classes.length} classes, leave it out to keep all`,
    )
  if (options.maxLength !== undefined && options.maxLength > maxLength)
    throw new RangeError(`--max-length ${options.maxLength}: the teacher takes at most ${maxLength}`)
  const several = hasSeveral({ problemType })
  goesWith(options, ['docStride'], 'a teacher of words, or one that finds answers', several)
  if (several && hidden !== 'none')
    throw new RangeError(
      `--hidden ${hidden}: states are kept of texts, not of windows: leave it out, or give this teacher itself to distill`,
    )
  const length = options.maxLength ?? usualOf(tokenizer, maxLength, embedding, own.usualLength, problemType)
  return {
    ...{ topK, dtype, hidden, ...statesOf(options, model) },
    ...{ maxLength: length, batchSize, shardRows },
    ...(several && { docStride: options.docStride ?? usualStride(length) }),
    ...(embedding !== undefined && { embedding }),
  }
}

/** Which layers' states are kept, and how wide they are. */
function statesOf(
  { hidden, layers: asked, teacher }: LabelOptions,
  model: TextClassifierFolder['model'],
): Pick<CacheSettings, 'layers' | 'width' | 'depth'> {
  if (asked !== undefined && hidden !== 'all' && hidden !== 'cls')
    throw new RangeError('--layers: goes with --hidden all or --hidden cls')
  if (hidden === 'none') return { layers: [], width: 0 }
  if (!(model instanceof Pretrained))
    throw new CheckpointError(teacher, 'is a model that gives no hidden states', 'Leave --hidden out')
  const { layers: L, width } = model.config
  const every = Array.from({ length: L + 1 }, (_, layer) => layer)
  const wrong = asked?.find((layer) => layer > L)
  if (wrong !== undefined)
    throw new RangeError(`--layers ${wrong}: the teacher has layers 1 to ${L}, and embeddings as 0`)
  if (hidden === 'last') return { layers: [L], width, depth: L }
  return { layers: asked ? every.filter((layer) => asked.includes(layer)) : every, width, depth: L }
}
