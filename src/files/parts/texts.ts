// Parts of texts that a command made of the parts of a split: each a file in a folder of the part's name, and all of them as one.
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError, TinystillError } from '../../errors.js'
import { checkSameFields, counted } from '../../formats/fields.js'
import { explain, writeAtomic } from '../disk.js'
import { hashFile } from '../hash.js'
import { readFields } from '../json-file.js'
import { publishedPart } from './attempt.js'
import { namedParts, type PartsPlan, partName, readPlan } from './plan.js'

/** Of a part, in its folder. */
export const TEXTS = 'texts.jsonl'
const RECORD = 'part.json'
const FORMAT = 'tinystill-texts-part'
const VERSION = 1

/** What the texts follow from besides the part's rows, by name: those of all parts must be the same. */
export type TextsFacts = ReadonlyMap<string, unknown>

interface TextsPart {
  /** SHA-256 of the part of the split. */
  data: string
  rows: number
  bytes: number
  sha256: string
  facts: TextsFacts
}

/** Writes the record of the texts in `folder`, which makes it a part. Their bytes. */
export function writeTextsPart(folder: string, data: string, rows: number, facts: TextsFacts): number {
  const texts = hashFile(join(folder, TEXTS))
  const record = { format: FORMAT, version: VERSION, data, rows, ...texts, facts: Object.fromEntries(facts) }
  writeAtomic(join(folder, RECORD), `${JSON.stringify(record, null, 1)}\n`)
  return texts.bytes
}

export const isTextsPart = (folder: string): boolean => existsSync(join(folder, RECORD))

function readTextsPart(folder: string): TextsPart {
  const given = readFields(join(folder, RECORD))
  given.oneOf('format', [FORMAT])
  given.oneOf('version', [VERSION])
  return {
    data: given.hash('data'),
    rows: given.number('rows', counted(1)) as number,
    bytes: given.number('bytes', counted(0, Number.MAX_SAFE_INTEGER)) as number,
    sha256: given.hash('sha256'),
    facts: given.inner('facts').document,
  }
}

/** Whether a part is published, made of this part of a split and by these facts. Throws CheckpointError naming what differs. */
export function isTextsPublished(out: string, part: number, data: string, facts: TextsFacts): boolean {
  const folder = publishedPart(out, part)
  if (!existsSync(folder)) return false
  const there = readTextsPart(folder)
  checkSameFields(
    join(folder, RECORD),
    new Map([...there.facts, ['data.sha256', there.data]]),
    new Map([...facts, ['data.sha256', data]]),
  )
  return true
}

/** Of each part, in order. Throws CheckpointError that names those that cannot be joined, each with its reason. */
function partsOf(folder: string, plan: PartsPlan): TextsPart[] {
  const found: TextsPart[] = []
  const wrong: string[] = []
  for (const [part, { file, sha256 }] of plan.parts.entries()) {
    const own = publishedPart(folder, part)
    try {
      if (!existsSync(own)) throw new CheckpointError(own, 'is not there')
      const there = readTextsPart(own)
      if (there.data !== sha256)
        throw new CheckpointError(own, `is not of this plan's ${file}, of ${plan.data.file}`)
      if (found.length > 0) checkSameFields(join(own, RECORD), there.facts, found[0].facts)
      found.push(there)
    } catch (error) {
      if (!(error instanceof TinystillError)) throw error
      wrong.push(`${partName(part)}: ${error.message}`)
    }
  }
  if (wrong.length === 0) return found
  throw new CheckpointError(
    folder,
    `${wrong.length} of ${plan.parts.length} parts cannot be joined: ${namedParts(wrong)}`,
    'Make them: the command with --parts takes what is missing',
  )
}

const PIECE = 2 ** 20

/**
 * Writes the texts of all parts as one file, each checked against its SHA-256 on the way. Throws CheckpointError naming the parts
 * that are missing, torn, of another plan or made by other facts; `out` is not there then.
 */
export function joinTexts(
  parts: string,
  folder: string,
  out: string,
  onPart: (done: number) => void = () => {},
): { rows: number; bytes: number } {
  const plan = readPlan(parts)
  if (existsSync(out)) throw new CheckpointError(out, 'is there already', 'Choose another name')
  const all = partsOf(folder, plan)
  for (const [part, { sha256 }] of all.entries()) {
    const path = join(publishedPart(folder, part), TEXTS)
    if (hashFile(path).sha256 !== sha256)
      throw new CheckpointError(
        path,
        'has changed',
        `Remove ${publishedPart(folder, part)}, and make the part again`,
      )
  }
  function* pieces(): Generator<Uint8Array> {
    const piece = new Uint8Array(PIECE)
    for (const part of all.keys()) {
      const path = join(publishedPart(folder, part), TEXTS)
      try {
        const file = openSync(path, 'r')
        try {
          for (let n = readSync(file, piece); n > 0; n = readSync(file, piece)) yield piece.subarray(0, n)
        } finally {
          closeSync(file)
        }
      } catch (error) {
        throw explain(path, 'read', error)
      }
      onPart(part + 1)
    }
  }
  writeAtomic(out, pieces())
  return { rows: plan.rows, bytes: all.reduce((n, { bytes }) => n + bytes, 0) }
}
