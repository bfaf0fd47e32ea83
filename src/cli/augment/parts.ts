// tinystill augment --parts: each part of a split becomes texts of its own. Joined they are what augment writes of all parts one
// after the other: what is drawn follows from a row's number in all of them, and which words are known from the texts of all.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { augmentRows } from '../../distill/augment/augment.js'
import { sha256 } from '../../files/cache/facts.js'
import { streamTexts } from '../../files/data/texts.js'
import { makeFolder, readText, writeAtomic } from '../../files/disk.js'
import { openPart, type PartsPlan, partName } from '../../files/parts/plan.js'
import { isTextsPublished, TEXTS, writeTextsPart } from '../../files/parts/texts.js'
import type { PiecedTokenizer } from '../../text/pieces/base.js'
import { breathe } from '../../train/pace.js'
import { Interrupted } from '../../train/run-state.js'
import { eachPart, readParts } from '../parts/each.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { listen } from '../shared/options.js'
import { bytes, count, duration } from '../shared/table.js'
import { AugmentFile, flatFacts } from './file.js'
import { type AugmentOptions, type Source, settingsOf, wordsIn } from './source.js'

/**
 * Words of the vocabulary that any part has. All parts are read for it once, by whoever comes first: what is written of it follows
 * from the plan and the tokenizer, so it does not matter who that is.
 */
function knownWords(
  folder: string,
  plan: PartsPlan,
  out: string,
  tokenizer: PiecedTokenizer,
  { output }: Context,
): ReadonlySet<string> {
  const hashes = plan.parts.map((part) => part.sha256)
  const name = sha256(JSON.stringify([hashes, tokenizer.toJSON()])).slice(0, 16)
  const path = join(out, `words-${name}.json`)
  if (existsSync(path)) return new Set(JSON.parse(readText(path)) as string[])
  output.info(`${folder}: its words are looked through, once for all parts`)
  const known = new Set<string>()
  const words = new Set(tokenizer.vocabulary.map((_, id) => tokenizer.wholeWord(id)))
  for (const part of plan.parts.keys())
    for (const row of streamTexts(openPart(folder, plan, part)))
      for (const word of wordsIn(row, tokenizer)) if (words.has(word)) known.add(word)
  writeAtomic(path, `${JSON.stringify([...known].sort())}\n`)
  return known
}

interface Augmented {
  rows: number
  samples: number
  bytes: number
  seconds: number
}

export async function augmentParts(
  options: AugmentOptions & CommonOptions & { parts: string },
  source: Source,
  context: Context,
): Promise<void> {
  const { progress, now, signals } = context
  const { parts: folder, out } = options
  const { plan, wanted } = readParts(options)
  const { model, tokenizer, vectors, maxLength } = source
  makeFolder(out)
  const known = knownWords(folder, plan, out, tokenizer, context)
  const common = { ...source.facts, known: { sha256: sha256([...known].sort().join('\n')) } }
  const facts = flatFacts(common)
  await eachPart<Augmented>(
    'augment',
    wanted,
    options,
    {
      done: 'augmented',
      isPublished: (part) => isTextsPublished(out, part, plan.parts[part].sha256, facts),
      make: async (part, to) => {
        const data = openPart(folder, plan, part)
        const { rows: total, sha256: hash } = plan.parts[part]
        const path = join(to, TEXTS)
        makeFolder(to)
        const file = AugmentFile.open(path, data, common, { resume: false }) as AugmentFile
        const rows = augmentRows(
          streamTexts(data),
          { model, tokenizer, maxLength, embeddings: model.base.words.weight },
          {
            ...settingsOf(options),
            stopWords: source.stopWords,
            vectors,
            known,
            first: part * plan.partRows,
          },
        )
        progress.start(`augmenting ${partName(part)}`, total)
        const began = now()
        const asked = listen(signals)
        let done = 0
        try {
          for (const { samples } of rows) {
            file.add(samples)
            progress.update(++done, {})
            await breathe()
            if (asked.signal !== null)
              throw new Interrupted(asked.signal, `${partName(part)} is begun anew the next time`)
          }
        } catch (error) {
          file.leave()
          throw error
        } finally {
          asked.end()
        }
        file.finish()
        progress.finish('')
        const size = writeTextsPart(to, hash, total, facts)
        return { rows: total, samples: file.samples, bytes: size, seconds: (now() - began) / 1000 }
      },
      text: ({ rows, samples, bytes: size, seconds }) =>
        `${count(rows + samples)} rows, ${count(samples)} of them new; ${bytes(size)}, ${duration(seconds)}`,
    },
    context,
  )
}
