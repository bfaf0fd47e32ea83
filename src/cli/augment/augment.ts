// tinystill augment: more texts for a student, out of labelled ones, by a masked-language model. Jiao et al. 2020 (TinyBERT).
import { type Command, Option } from 'commander'
import { augmentRows } from '../../distill/augment/augment.js'
import { DataError } from '../../errors.js'
import { streamTexts, textFormat } from '../../files/data/texts.js'
import { hashFile } from '../../files/hash.js'
import { lockFile } from '../../files/lock.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import type { DataOptions } from '../../text/rows/columns.js'
import type { TextRow } from '../../text/rows.js'
import { breathe } from '../../train/pace.js'
import { Interrupted } from '../../train/run-state.js'
import { addPartsOptions, checkDataOrParts } from '../parts/each.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { addDataOptions, dataOptions, listen, numberIn, whole } from '../shared/options.js'
import { count, duration } from '../shared/table.js'
import { AugmentFile, writtenAs } from './file.js'
import { augmentParts } from './parts.js'
import { type AugmentOptions, ENGLISH, NONE, settingsOf, sourceOf, wordsIn } from './source.js'

/** How many rows, how many of them the model reads in part, and which words are in them. A row that cannot be read is found here, before the work. */
function survey(
  file: string,
  tokenizer: PiecedTokenizer,
  maxLength: number,
  reading: DataOptions,
): { total: number; long: number; known: Set<string> } {
  let [total, long] = [0, 0]
  const known = new Set<string>()
  for (const row of streamTexts(file, reading)) {
    const { text, textB, label } = row
    if (textFormat(file) === 'txt' && (textB !== null || label !== null))
      throw new DataError(file, 'is a table', 'Name it .tsv')
    total++
    if (tokenizer.encode(text, textB).ids.length > maxLength) long++
    for (const word of wordsIn(row, tokenizer)) known.add(word)
  }
  if (total === 0) throw new DataError(file, 'has no rows')
  return { total, long, known }
}

function* after(rows: Iterable<TextRow>, n: number): Generator<TextRow> {
  let passed = 0
  for (const row of rows) if (passed++ >= n) yield row
}

export const augmentCommand: CommandSpec<AugmentOptions> = {
  name: 'augment',
  describe: 'Write a data file with new texts behind each row, its words replaced by a masked-language model',
  options: (command: Command) =>
    addPartsOptions(
      addDataOptions(command)
        .requiredOption('--model <dir>', 'folder of a masked-language model: tinystill train --task mlm')
        .option(
          '--data <file>',
          'texts: .tsv, .csv, .jsonl, .json, .parquet or .txt; new texts take their labels',
        ),
      'a file of texts without labels',
    )
      .requiredOption(
        '--out <file>',
        'of the same format, .jsonl for .json and .parquet, with a header: each row as it was and its new ones behind it; FILE.run.json tells how. Of --parts a folder',
      )
      .option(
        '--vectors <file>',
        "word vectors as GloVe's text files, for words of several pieces; default: the model's own embeddings and words of the data",
      )
      .option('--top-k <k>', 'candidates for a word (K)', whole(1, 1000), 15)
      .option('--p <x>', 'chance of a word to be replaced (p_t)', numberIn(0, 1), 0.4)
      .option('--n <n>', 'new texts drawn from a text (N_a); those alike are left out', whole(1, 10_000), 20)
      .addOption(
        new Option(
          '--stop-words <source>',
          `words that stay as they are, one a line; or ${ENGLISH}, or ${NONE}`,
        ).default(ENGLISH),
      )
      .option('--batch-size <n>', 'hidden words of a batch; does not change the result', whole(1), 64)
      .option('--resume', 'go on where a run was ended', false),
  run: async (options, context) => {
    const { data, parts, out } = options
    checkDataOrParts(options)
    if (parts !== undefined) return augmentParts({ ...options, parts }, sourceOf(options, context), context)
    const release = lockFile(out)
    try {
      await augment({ ...options, data: data as string }, context)
    } finally {
      release()
    }
  },
}

async function augment(
  options: AugmentOptions & CommonOptions & { data: string },
  context: Context,
): Promise<void> {
  const { output, progress, now, signals } = context
  const { data, out, seed, resume } = options
  const format = writtenAs(data)
  if (/\.gz$/i.test(out) || textFormat(out) !== format)
    throw new DataError(out, `must be of ${data}'s format`, `Name it with the ending .${format}`)
  const reading = dataOptions(options, output)
  const { model, tokenizer, maxLength, vectors, stopWords, facts: common } = sourceOf(options, context)
  const { total, long, known } = survey(data, tokenizer, maxLength, reading)
  if (long > 0)
    output.info(
      `${data}: ${count(long)} of ${count(total)} rows are longer than the ${count(maxLength)} tokens that the model reads; their words behind stay as they are`,
    )
  const facts = { ...common, data: { file: data, ...hashFile(data) } }
  const file = AugmentFile.open(out, data, facts, { resume, reading })
  if (file === null) {
    output.print(`${out}: is whole already`)
    output.json({ rows: total, resumed: total, seed, out })
    return
  }
  if (file.before > 0) output.info(`${count(file.before)} of ${count(total)} rows are there already`)
  const source = { model, tokenizer, maxLength, embeddings: model.base.words.weight }
  const rows = augmentRows(after(streamTexts(data, reading), file.before), source, {
    ...{ ...settingsOf(options), stopWords, vectors, known, first: file.before },
  })
  progress.start('augmenting', total)
  const began = now()
  let done = file.before
  const rate = () => ((done - file.before) * 1000) / Math.max(1, now() - began)
  const asked = listen(signals)
  try {
    for (const { samples } of rows) {
      file.add(samples)
      progress.update(++done, { 'rows/s': rate().toFixed(1) })
      await breathe()
      if (asked.signal !== null)
        throw new Interrupted(asked.signal, `${count(done)} of ${count(total)} rows are written`)
    }
  } catch (error) {
    file.leave()
    throw error
  } finally {
    asked.end()
  }
  const seconds = (now() - began) / 1000
  const rowsPerSecond = rate()
  file.finish()
  progress.finish('')
  const { samples } = file
  output.print(
    `${out}: ${count(total + samples)} rows, ${count(samples)} of them new, ${(samples / total).toFixed(1)} a row; ${rowsPerSecond.toFixed(1)} rows/s, ${duration(seconds)}`,
  )
  output.json({ rows: total, samples, resumed: file.before, rowsPerSecond, seconds, seed, out })
}
