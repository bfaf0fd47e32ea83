// tinystill label: what a teacher says of texts, written once for students to learn from.
import { type Command, Option } from 'commander'
import { CheckpointError, DataError } from '../errors.js'
import { teacherFacts } from '../files/cache/facts.js'
import { fillCache, type LabellingTeacher } from '../files/cache/fill.js'
import { KeyIndex, keyOfText } from '../files/cache/keys.js'
import { type CacheFacts, type CacheSettings, type HiddenKind, hiddenKinds } from '../files/cache/manifest.js'
import { CacheWriter } from '../files/cache/writer.js'
import { streamTexts } from '../files/data/texts.js'
import { makeFolder } from '../files/disk.js'
import { hashFile } from '../files/hash.js'
import { lockFolder } from '../files/lock.js'
import { loadClassifier, type TextClassifierFolder } from '../files/models/classifiers.js'
import { Pretrained } from '../nn/models/pretrained.js'
import { trainingLength } from '../text/encoding.js'
import type { DataOptions } from '../text/rows/columns.js'
import { breathe } from '../train/pace.js'
import { Interrupted } from '../train/run-state.js'
import { tasks } from '../train/tasks.js'
import type { CommandSpec, CommonOptions, Context } from './shared/command.js'
import { cutText } from './shared/data-report.js'
import {
  addDataOptions,
  type DataFileOptions,
  dataOptions,
  listen,
  settleBackend,
  whole,
} from './shared/options.js'
import { bytes, count, duration } from './shared/table.js'
import { firstTexts, tellTokens } from './shared/tokens.js'

interface LabelOptions extends DataFileOptions {
  teacher: string
  data: string
  out: string
  topK?: number
  dtype: CacheSettings['dtype']
  hidden: HiddenKind
  layers?: number[]
  maxLength?: number
  batchSize: number
  shardRows?: number
  resume: boolean
}

/** Rows of a shard: with the states of all tokens one has a few hundred times as many numbers. */
const SHARD_ROWS = { none: 4096, cls: 4096, last: 256, all: 256 } as const

function settingsOf(
  options: LabelOptions,
  { model, tokenizer, classes, maxLength, problemType }: TextClassifierFolder,
): CacheSettings {
  const { topK = null, dtype, hidden, batchSize, shardRows = SHARD_ROWS[hidden] } = options
  if (topK !== null && problemType !== 'single_label_classification')
    throw new RangeError(
      `--top-k ${topK}: the teacher gives ${tasks[problemType].gives(classes)}, of which all count: leave it out`,
    )
  if (topK !== null && topK >= classes.length)
    throw new RangeError(
      `--top-k ${topK}: the teacher has ${classes.length} classes, leave it out to keep all`,
    )
  if (options.maxLength !== undefined && options.maxLength > maxLength)
    throw new RangeError(`--max-length ${options.maxLength}: the teacher takes at most ${maxLength}`)
  return {
    ...{ topK, dtype, hidden, ...statesOf(options, model) },
    ...{ maxLength: options.maxLength ?? trainingLength([tokenizer], maxLength), batchSize, shardRows },
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

/** How many different rows there are. A row that cannot be read is found here, before the work. */
function different(file: string, reading: DataOptions): number {
  const seen = new KeyIndex()
  for (const { text, textB } of streamTexts(file, reading)) seen.add(...keyOfText(text, textB))
  if (seen.size === 0) throw new DataError(file, 'has no rows')
  return seen.size
}

/** Writes the cache, or what is missing of it, and tells of it. total: how many different rows there are. */
async function fill(
  options: LabelOptions & CommonOptions,
  teacher: LabellingTeacher,
  facts: CacheFacts,
  total: number,
  { output, progress, now, signals }: Context,
): Promise<void> {
  const { data: file, out, resume, seed } = options
  const cache = CacheWriter.open(out, facts, { resume })
  const before = cache.manifest.rows
  if (cache.damaged !== null)
    output.info(`${cache.damaged} is missing or has changed: it and what follows is labelled again`)
  if (before > 0) output.info(`${count(before)} of ${count(total)} rows are there already`)
  progress.start('labelling', total)
  const began = now()
  const asked = listen(signals)
  const rate = (rows: number) => (rows * 1000) / Math.max(1, now() - began)
  const { rows, duplicates, cut } = await fillCache(
    teacher,
    streamTexts(file, dataOptions(options, { info: () => {} })),
    cache,
    {
      file,
      onBatch: async (done) => {
        progress.update(done, { 'rows/s': count(rate(done - before)) })
        await breathe()
        if (asked.signal !== null)
          throw new Interrupted(asked.signal, `${count(cache.manifest.rows)} rows are written`)
      },
    },
  ).finally(asked.end)
  const seconds = (now() - began) / 1000
  const rowsPerSecond = rate(rows - before)
  progress.finish('')
  const { maxLength } = cache.manifest.settings
  if (cut > 0) output.info(`${file}: ${cutText(cut, rows - before, maxLength)}`)
  const shards = cache.manifest.shards.length
  const files = `${shards} ${shards === 1 ? 'shard' : 'shards'}`
  const again = duplicates > 0 ? `, ${count(duplicates)} more came again` : ''
  output.print(
    `${out}: ${count(rows)} rows${again}; ${count(rowsPerSecond)} rows/s, ${duration(seconds)}, ${bytes(cache.bytes)} in ${files}`,
  )
  output.json({ rows, duplicates, cut, shards, bytes: cache.bytes, rowsPerSecond, seconds, seed, out })
}

export const labelCommand: CommandSpec<LabelOptions> = {
  name: 'label',
  describe: "Write a teacher's outputs for a file of texts, for students to learn from without it",
  options: (command: Command) =>
    addDataOptions(command)
      .requiredOption('--teacher <dir>', 'folder of the model')
      .requiredOption(
        '--data <file>',
        'texts: .tsv, .csv, .jsonl, .json, .parquet or .txt; labels are passed over',
      )
      .requiredOption('--out <dir>', "the cache's folder")
      .option('--top-k <k>', 'keep the largest k logits of a text, and the probability of the rest', whole(1))
      .addOption(
        new Option('--dtype <name>', 'of logits and states')
          .choices(['float32', 'float16'])
          .default('float32'),
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
      .option('--batch-size <n>', 'rows of a batch', whole(1), 64)
      .option(
        '--shard-rows <n>',
        'rows of a file of the cache; default 4096, with states of all tokens 256',
        whole(1),
      )
      .option('--resume', 'go on where a run was ended', false),
  run: async (options, context) => {
    const { teacher: folder, data: file, out } = options
    settleBackend(context.output)
    const teacher = loadClassifier(folder)
    for (const note of teacher.notes) context.output.info(`note: ${note}`)
    const { classes, problemType, tokenizer } = teacher
    const facts = {
      teacher: teacherFacts(folder, tokenizer),
      data: { file, ...hashFile(file) },
      settings: settingsOf(options, teacher),
      ...{ labels: [...classes], problemType },
    }
    const reading: DataOptions = { ...dataOptions(options, context.output), labelUse: 'unused' }
    const total = different(file, reading)
    tellTokens(context.output, { ...teacher, folder }, file, firstTexts(streamTexts(file, reading)))
    makeFolder(out)
    const release = lockFolder(out)
    try {
      await fill(options, teacher as LabellingTeacher, facts, total, context)
    } finally {
      release()
    }
  },
}

function layerList(list: string): number[] {
  return list.split(',').map(whole(0, 1000))
}
