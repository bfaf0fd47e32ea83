// tinystill label: what a teacher says of texts, written once for students to learn from.
import type { Command } from 'commander'
import { DataError } from '../../errors.js'
import { teacherFacts } from '../../files/cache/facts.js'
import type { LabelledRow, LabellingTeacher } from '../../files/cache/fill.js'
import { KeyIndex, keyOfRow } from '../../files/cache/keys.js'
import { streamTexts } from '../../files/data/texts.js'
import { makeFolder } from '../../files/disk.js'
import { hashFile } from '../../files/hash.js'
import { lockFolder } from '../../files/lock.js'
import { loadAnswering } from '../../files/tagging/tagger.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { isOfTexts } from '../../train/tagging/tasks.js'
import { loadLabeller } from '../embed/label.js'
import { addPartsOptions, checkDataOrParts } from '../parts/each.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { readUnlabelled } from '../shared/labels-option.js'
import { requireOther } from '../shared/model-folder.js'
import { addDataOptions, dataOptions, settleBackend } from '../shared/options.js'
import { count } from '../shared/table.js'
import { firstTexts, tellTokens } from '../shared/tokens.js'
import { fill, filledText } from './fill.js'
import { labelParts } from './parts.js'
import { addSettingsOptions, type LabellingFolder, type LabelOptions, settingsOf } from './settings.js'

/** The rows of a file: texts as they stream, or sentences of words and questions, read whole. */
function rowsOf(
  file: string,
  { problemType }: Pick<LabellingFolder, 'problemType'>,
): (reading: DataOptions) => Iterable<LabelledRow> {
  if (isOfTexts(problemType)) return (reading) => streamTexts(file, reading)
  let rows: LabelledRow[] | null = null
  return (reading) => {
    if (rows !== null) return rows
    const { texts, pairs, words, questions, lines } = readUnlabelled(file, problemType, reading)
    rows = texts.map((text, i) => ({
      ...{ text, textB: pairs?.[i] ?? null, line: lines[i] },
      ...{ words: words?.[i], question: questions?.each[i] },
    }))
    return rows
  }
}

/** How many different rows there are. A row that cannot be read is found here, before the work. */
function different(file: string, rows: Iterable<LabelledRow>): number {
  const seen = new KeyIndex()
  for (const row of rows) seen.add(...keyOfRow(row))
  if (seen.size === 0) throw new DataError(file, 'has no rows')
  return seen.size
}

async function labelFile(
  { data: file, out, resume, ...options }: LabelOptions & CommonOptions & { data: string },
  teacher: LabellingFolder,
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
  const read = rowsOf(file, teacher)
  const total = different(file, read(reading))
  tellTokens(output, { ...teacher, folder: options.teacher }, file, firstTexts(read(reading)))
  makeFolder(out)
  const release = lockFolder(out)
  try {
    const rows = read(dataOptions(options, { info: () => {} }))
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
  describe:
    "Write a teacher's outputs for a file of texts, of sentences of words or of questions, for students to learn from without it",
  options: (command: Command) =>
    addSettingsOptions(
      addPartsOptions(
        addDataOptions(command)
          .requiredOption('--teacher <dir>', 'folder of the model')
          .option(
            '--data <file>',
            'texts: .tsv, .csv, .jsonl, .json, .parquet or .txt; for a model of words sentences, .conll, .conllu, .jsonl or .txt, for one that finds answers questions, .json or .jsonl; labels are passed over',
          ),
        'a cache',
      ).requiredOption('--out <dir>', "the cache's folder, or of --parts that of their caches"),
    ).option('--resume', 'go on where a run was ended', false),
  run: async (options, context) => {
    const { teacher: folder, data, parts, out } = options
    checkDataOrParts(options)
    // With a cache in it the folder would be read as that from then on.
    requireOther(out, folder)
    settleBackend(context.output)
    const teacher: LabellingFolder =
      data === undefined || options.embeddings
        ? loadLabeller(folder, options.embeddings)
        : loadAnswering(folder)
    for (const note of teacher.notes) context.output.info(`note: ${note}`)
    if (data !== undefined) await labelFile({ ...options, data }, teacher, context)
    else if (parts !== undefined) await labelParts({ ...options, parts }, teacher, context)
  },
}
