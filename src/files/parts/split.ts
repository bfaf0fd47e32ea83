// Texts of files cut into parts of so many rows: one pass, a part in memory at a time, and a key of each row.
import { join } from 'node:path'
import { CheckpointError, DataError } from '../../errors.js'
import type { DataOptions } from '../../text/rows/columns.js'
import { KeyIndex, keyOfText } from '../cache/keys.js'
import { streamTexts } from '../data/texts.js'
import { makeFolder, writeAtomic } from '../disk.js'
import { hashFiles } from '../hash.js'
import { isPlanned, type PartFacts, type PartsPlan, PLAN, partFile, writePlan } from './plan.js'

export interface SplitOptions {
  /** Of a part. Default 40,960. */
  rows?: number
  reading?: DataOptions
  /** Called after each part. May wait, and may throw to end it: no plan is written then. */
  onPart?: (rowsDone: number) => void | Promise<void>
}

export const PART_ROWS = 40960

const encoder = new TextEncoder()

/**
 * Writes part-000000.jsonl, ... and plan.json, the last of all: a folder without it is of a split that was ended, and is
 * written anew. A text that comes again is left out. Throws CheckpointError where there is a plan already, DataError for rows
 * that cannot be read, or where there are none.
 */
export async function splitTexts(
  files: readonly string[],
  folder: string,
  { rows: partRows = PART_ROWS, reading = {}, onPart }: SplitOptions = {},
): Promise<PartsPlan> {
  if (isPlanned(folder))
    throw new CheckpointError(
      join(folder, PLAN),
      'is there already',
      'Choose another folder, or remove this one',
    )
  const data = { file: files.join(','), ...hashFiles(files) }
  makeFolder(folder)
  const seen = new KeyIndex()
  const parts: PartFacts[] = []
  let duplicates = 0
  const part = new Lines()
  const close = async () => {
    const { bytes, rows } = part
    const file = partFile(parts.length)
    const sha256 = writeAtomic(join(folder, file), bytes)
    parts.push({ file, rows, bytes: bytes.length, sha256 })
    part.clear()
    await onPart?.(seen.size)
  }
  for (const file of files)
    for (const { text, textB } of streamTexts(file, reading)) {
      if (!seen.add(...keyOfText(text, textB))) {
        duplicates++
        continue
      }
      part.add(`${JSON.stringify(textB === null ? { text } : { text, text_b: textB })}\n`)
      if (part.rows === partRows) await close()
    }
  if (part.rows > 0) await close()
  if (seen.size === 0) throw new DataError(files.join(','), 'has no rows')
  const plan = { data, rows: seen.size, duplicates, partRows, parts }
  writePlan(folder, plan)
  return plan
}

/** Lines as bytes in room that is used again: as strings, those of a part cost several times as much. */
class Lines {
  #room = new Uint8Array(2 ** 20)
  #used = 0
  rows = 0

  add(line: string): void {
    // A character takes 3 bytes at most.
    if (this.#used + 3 * line.length > this.#room.length) {
      const wider = new Uint8Array(2 * this.#room.length + 3 * line.length)
      wider.set(this.bytes)
      this.#room = wider
    }
    this.#used += encoder.encodeInto(line, this.#room.subarray(this.#used)).written
    this.rows++
  }

  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#used)
  }

  clear(): void {
    this.#used = 0
    this.rows = 0
  }
}
