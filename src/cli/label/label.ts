// tinystill label: what a teacher says of texts, written once for students to learn from.
import { type Command, Option } from 'commander'
import { DataError } from '../../errors.js'
import { teacherFacts } from '../../files/cache/facts.js'
import type { LabellingTeacher } from '../../files/cache/fill.js'
import { KeyIndex, keyOfText } from '../../files/cache/keys.js'
import { hiddenKinds } from '../../files/cache/manifest.js'
import { streamTexts } from '../../files/data/texts.js'
import { makeFolder } from '../../files/disk.js'
import { hashFile } from '../../files/hash.js'
import { lockFolder } from '../../files/lock.js'
import { loadClassifier, type TextClassifierFolder } from '../../files/models/classifiers.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { addPartsOptions, checkDataOrParts } from '../parts/each.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { requireOther } from '../shared/model-folder.js'
import { addDataOptions, dataOptions, settleBackend, whole } from '../shared/options.js'
import { count } from '../shared/table.js'
import { firstTexts, tellTokens } from '../shared/tokens.js'
import { fill, filledText } from './fill.js'
import { labelParts } from './parts.js'
import { type LabelOptions, settingsOf } from './settings.js'

/** How many different rows there are. A row that cannot be read is found here, before the work. */
function different(file: string, reading: DataOptions): number {
  const seen = new KeyIndex()
  for (const { text, textB } of streamTexts(file, reading)) seen.add(...keyOfText(text, textB))
  if (seen.size === 0) throw new DataError(file, 'has no rows')
  return seen.size
}

async function labelFile(
  { data: file, out, resume, ...options }: LabelOptions & CommonOptions & { data: string },
  teacher: TextClassifierFolder,
  context: Context,
): Promise<void> {
  const { output } = context
  const { classes, problemType, tokenizer } = teacher
  const facts = {
    teacher: teacherFacts(options.teacher, tokenizer),
    data: { file, ...hashFile(file) },
    settings: settingsOf({ ...options, out, resume }, teacher),
    ...{ labels: [...classes], problemType },
  }
  const reading: DataOptions = { ...dataOptions(options, output), labelUse: 'unused' }
  const total = different(file, reading)
  tellTokens(output, { ...teacher, folder: options.teacher }, file, firstTexts(streamTexts(file, reading)))
  makeFolder(out)
  const release = lockFolder(out)
  try {
    const rows = streamTexts(file, dataOptions(options, { info: () => {} }))
    const left = (written: number) => `${count(written)} rows are written`
    const filled = await fill(
      { file, rows, total, folder: out, facts, resume, left },
      teacher as LabellingTeacher,
      context,
    )
    output.print(`${out}: ${filledText(filled)}`)
    output.json({ ...filled, seed: options.seed, out })
  } finally {
    release()
  }
}

export const labelCommand: CommandSpec<LabelOptions> = {
  name: 'label',
  describe: "Write a teacher's outputs for a file of texts, for students to learn from without it",
  options: (command: Command) =>
    addPartsOptions(
      addDataOptions(command)
        .requiredOption('--teacher <dir>', 'folder of the model')
        .option(
          '--data <file>',
          'texts: .tsv, .csv, .jsonl, .json, .parquet or .txt; labels are passed over',
        ),
      'a cache',
    )
      .requiredOption('--out <dir>', "the cache's folder, or of --parts that of their caches")
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
        'rows of a file of the cache; default 4096, with states of all tokens 256; of parts at most that, without a rest',
        whole(1),
      )
      .option('--resume', 'go on where a run was ended', false),
  run: async (options, context) => {
    const { teacher: folder, data, parts, out } = options
    checkDataOrParts(options)
    // With a cache in it the folder would be read as that from then on.
    requireOther(out, folder)
    settleBackend(context.output)
    const teacher = loadClassifier(folder)
    for (const note of teacher.notes) context.output.info(`note: ${note}`)
    if (data !== undefined) await labelFile({ ...options, data }, teacher, context)
    else if (parts !== undefined) await labelParts({ ...options, parts }, teacher, context)
  },
}

function layerList(list: string): number[] {
  return list.split(',').map(whole(0, 1000))
}
