// The file that tinystill augment writes: rows as they come go to FILE.partial.jsonl, what they follow from to FILE.run.json,
// and FILE is there when all of it is. A run killed at any moment goes on to the same bytes.
import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { CheckpointError, DataError } from '../../errors.js'
import { streamTexts, textFormat } from '../../files/data/texts.js'
import { makeFolder, writeAtomic } from '../../files/disk.js'
import { readFields } from '../../files/json-file.js'
import { readLines } from '../../files/lines.js'
import { LineLog } from '../../files/log.js'
import { checkSameFields } from '../../formats/fields.js'
import type { DataOptions } from '../../text/rows/columns.js'
import type { TextRow } from '../../text/rows.js'
import { type WrittenFormat, type WrittenRow, writeRows } from '../../text/write-rows.js'

/** Sections of values by name. Files are told apart by their hashes: file, folder and bytes are for people. */
export type AugmentFacts = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Objects are written a line each. */
export function writtenAs(data: string): WrittenFormat {
  const format = textFormat(data)
  return format === 'json' || format === 'parquet' ? 'jsonl' : format
}

type Sample = Pick<TextRow, 'text' | 'textB'>

const FORMAT = 'tinystill-augment'
const FOR_PEOPLE = ['file', 'folder', 'bytes']

export class AugmentFile {
  readonly #log: LineLog
  #samples: number

  private constructor(
    readonly path: string,
    readonly data: string,
    /** How that file is read. */
    readonly reading: DataOptions,
    /** Rows that an earlier run did. */
    readonly before: number,
    samples: number,
  ) {
    this.#log = new LineLog(partialOf(path), { append: before > 0 })
    this.#samples = samples
  }

  /**
   * A new file, or with `resume` one that was begun; null where it is finished. Throws CheckpointError where there is
   * something without `resume`, and with it where a fact differs: names it and both values. `data` is the file that the
   * rows come from.
   */
  static open(
    path: string,
    data: string,
    facts: AugmentFacts,
    { resume, reading = {} }: { resume: boolean; reading?: DataOptions },
  ): AugmentFile | null {
    const record = recordOf(path)
    if (!existsSync(record)) {
      if (existsSync(path))
        throw new CheckpointError(path, 'is there already', 'Remove it, or choose another name')
      makeFolder(dirname(path))
      rmSync(partialOf(path), { force: true })
      writeAtomic(record, `${JSON.stringify({ format: FORMAT, version: 1, ...facts }, null, 1)}\n`)
      return new AugmentFile(path, data, reading, 0, 0)
    }
    if (!resume)
      throw new CheckpointError(
        record,
        'belongs to a run already',
        `Go on with it by --resume, remove ${record}, or choose another name`,
      )
    const there = readFields(record)
    there.oneOf('format', [FORMAT])
    there.oneOf('version', [1])
    checkSameFields(record, flatFacts(Object.fromEntries(there.document)), flatFacts(facts))
    if (existsSync(path)) {
      rmSync(partialOf(path), { force: true })
      return null
    }
    const { rows, samples } = countRows(partialOf(path))
    return new AugmentFile(path, data, reading, rows, samples)
  }

  /** New texts of all rows so far. */
  get samples(): number {
    return this.#samples
  }

  /** The next row's samples, on their way to the disk at once. */
  add(samples: readonly Sample[]): void {
    this.#log.write({ samples: samples.map(({ text, textB }) => (textB === null ? [text] : [text, textB])) })
    this.#log.flush()
    this.#samples += samples.length
  }

  /** All rows are in: writes the file, every row of the data and its samples behind it. */
  finish(): void {
    this.#log.close()
    const partial = partialOf(this.path)
    const { data, reading } = this
    const shape = shapeOf(data, reading)
    writeAtomic(this.path, inChunks(writeRows(joined(data, reading, partial), writtenAs(data), shape)))
    rmSync(partial, { force: true })
  }

  /** After an error: what is there can be gone on with. */
  leave(): void {
    this.#log.close()
  }
}

const partialOf = (path: string) => `${path}.partial.jsonl`
const recordOf = (path: string) => `${path}.run.json`

/** 'settings.topK' -> 15 */
export function flatFacts(sections: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const named = Object.entries(sections).flatMap(([section, values]): [string, unknown][] =>
    typeof values === 'object' && values !== null
      ? Object.entries(values).map(([name, value]) => [`${section}.${name}`, value])
      : [],
  )
  return new Map(named.filter(([name]) => !FOR_PEOPLE.includes(name.split('.')[1])))
}

function* readLog(path: string): Generator<Sample[]> {
  for (const { text, number } of readLines(path)) {
    const samples = samplesIn(text)
    if (samples === null)
      throw new DataError(`${path}:${number}`, 'is damaged', 'Remove the file: the run begins anew')
    yield samples
  }
}

function samplesIn(line: string): Sample[] | null {
  try {
    const { samples } = JSON.parse(line) as { samples?: unknown }
    if (!Array.isArray(samples)) return null
    const texts = (samples as unknown[]).map((sample) => {
      const [text, textB = null] = Array.isArray(sample) ? (sample as unknown[]) : []
      return { text, textB }
    })
    const whole = texts.every(
      ({ text, textB }) => typeof text === 'string' && (textB === null || typeof textB === 'string'),
    )
    return whole ? (texts as Sample[]) : null
  } catch {
    return null
  }
}

/** After the lines that a kill tore are gone. */
function countRows(partial: string): { rows: number; samples: number } {
  if (!existsSync(partial)) return { rows: 0, samples: 0 }
  new LineLog(partial, { append: true }).close()
  let [rows, samples] = [0, 0]
  for (const row of readLog(partial)) {
    rows++
    samples += row.length
  }
  return { rows, samples }
}

/** Which fields any row has. */
function shapeOf(data: string, reading: DataOptions): { pairs: boolean; labels: boolean } {
  const shape = { pairs: false, labels: false }
  for (const { textB, label } of streamTexts(data, reading)) {
    shape.pairs ||= textB !== null
    shape.labels ||= label !== null
  }
  return shape
}

function* joined(data: string, reading: DataOptions, partial: string): Generator<WrittenRow> {
  const log = readLog(partial)
  for (const row of streamTexts(data, reading)) {
    yield row
    const { value } = log.next()
    if (value === undefined) throw new DataError(data, 'has more rows than when it was augmented')
    for (const sample of value as Sample[]) yield { ...sample, label: row.label }
  }
}

/** Bytes in pieces of some size: a write a line would take most of the time. */
function* inChunks(lines: Iterable<string>, size = 2 ** 16): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let chunk: string[] = []
  let length = 0
  for (const line of lines) {
    chunk.push(line)
    length += line.length
    if (length < size) continue
    yield encoder.encode(chunk.join(''))
    chunk = []
    length = 0
  }
  yield encoder.encode(chunk.join(''))
}
