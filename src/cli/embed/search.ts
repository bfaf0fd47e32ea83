// tinystill search: the texts of a file that mean what is asked. What sentence embeddings are for, in one command.
import type { Command } from 'commander'
import { DataError } from '../../errors.js'
import { streamTexts } from '../../files/data/texts.js'
import { embed, search } from '../../train/embedding/vectors.js'
import type { CommandSpec } from '../shared/command.js'
import {
  addDataOptions,
  answerLengthOption,
  type DataFileOptions,
  dataOptions,
  whole,
} from '../shared/options.js'
import { count } from '../shared/table.js'
import { openEmbedder } from './data.js'

interface SearchOptions extends DataFileOptions {
  args: string[]
  model: string
  texts: string
  top: number
  maxLength?: number
}

/** Prompts of texts that are searched, by the names that folders give them. */
const DOCUMENT = ['document', 'passage', 'corpus']

export const searchCommand: CommandSpec<SearchOptions> = {
  name: 'search',
  describe: 'The texts of a file that lie nearest to a query, by a model of sentence embeddings',
  options: (command: Command) =>
    addDataOptions(
      command
        .argument('<query>', 'what is looked for')
        .requiredOption('--model <dir>', 'folder of the model')
        .requiredOption('--texts <file>', 'what is searched: .tsv, .csv, .jsonl, .json, .parquet or .txt')
        .option('--top <n>', 'texts that are shown', whole(1), 5)
        .addOption(answerLengthOption()),
      { labels: false },
    ),
  run: async (options, { output, progress, now }) => {
    const {
      args: [query],
      texts: file,
      top,
    } = options
    const embedder = openEmbedder(options.model, options.maxLength, output)
    const { named } = embedder.prompts
    const before = DOCUMENT.map((name) => named.get(name)).find((prompt) => prompt !== undefined) ?? ''
    const rows = [...streamTexts(file, { ...dataOptions(options, output), labelUse: 'unused' })]
    if (rows.length === 0) throw new DataError(file, 'has no rows')
    progress.start('embedding', rows.length)
    const began = now()
    const vectors = await embed(
      embedder,
      rows.map(({ text }) => before + text),
      { onBatch: (done) => progress.update(done, {}) },
    )
    const seconds = (now() - began) / 1000
    progress.finish(`${count(rows.length)} texts in ${seconds.toFixed(1)} s`)
    const asked = await embed(embedder, [(named.get('query') ?? '') + query])
    const found = search(asked, vectors, top).map(({ row, cosine }) => {
      const { text, line } = rows[row]
      return { cosine, line, text }
    })
    for (const { cosine, line, text } of found)
      output.print(`${cosine.toFixed(4)}  ${line}: ${text.replace(/\s+/g, ' ')}`)
    output.json({ query, rows: rows.length, seconds, found })
  },
}
