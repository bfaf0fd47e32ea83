// What a job says: where the parts, their caches and the teacher lie below a root that each worker has for itself, and which
// part is meant. Whoever can write to a Redis can write a job, so all of it is hostile until checked.
import { existsSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep, win32 } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { sha256 } from '../../files/cache/facts.js'
import { type CacheFacts, readFacts } from '../../files/cache/manifest.js'
import { type PartsPlan, partFile, partName } from '../../files/parts/plan.js'
import { counted, Fields } from '../../formats/fields.js'
import type { QueuedJob } from './engine.js'

/** Kinds of jobs, by their field `format`. */
export const PART = 'tinystill-part'
export const RUN = 'tinystill-run'
export const VERSION = 1

export interface Folders {
  parts: string
  caches: string
  teacher: string
}

export interface PartJob extends Folders {
  part: number
  rows: number
  /** What the part's cache must say of itself. */
  facts: CacheFacts
}

/** What all parts of one run share: another split, teacher, setting or place is another run. Twelve hexadecimal digits. */
export function runId(folders: Folders, plan: PartsPlan, shared: Omit<CacheFacts, 'data'>): string {
  const parts = plan.parts.map((part) => part.sha256)
  return sha256(JSON.stringify([folders, parts, shared])).slice(0, 12)
}

export function jobOf(run: string, { part, ...rest }: PartJob): QueuedJob {
  const data = { format: PART, version: VERSION, run, part, file: partFile(part), ...rest }
  return { id: `${run}-${partName(part)}`, data }
}

/** The fields of a job of this kind. Throws CheckpointError. */
export function jobFields(data: unknown, kind: string): Fields {
  const given = Fields.of('job', data)
  given.oneOf('format', [kind])
  given.oneOf('version', [VERSION])
  return given
}

/** A job's fields, each checked, its folders still as the job has them. Throws CheckpointError naming the field. */
export function readJob(data: unknown): PartJob {
  const given = jobFields(data, PART)
  const part = given.number('part', counted(0, 1e9)) as number
  given.oneOf('file', [partFile(part)])
  const facts = readFacts(given.inner('facts'))
  if (facts.data.file !== partFile(part)) given.refuse('facts.data.file', partFile(part))
  if (facts.teacher.folder.length > 4096) given.refuse('facts.teacher.folder', 'a path')
  return {
    ...{ part, facts, rows: given.number('rows', counted(1)) as number },
    ...{ parts: given.text('parts'), caches: given.text('caches'), teacher: given.text('teacher') },
  }
}

/** A folder as jobs name it: from the root on, with / on every system. Throws RangeError for one that lies elsewhere. */
export function belowRoot(root: string, folder: string, option: string): string {
  // Of the last folder that is there: what it is a link to counts.
  const path = relative(realpathSync(root), realOf(resolve(folder)))
  if (path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path))
    throw new RangeError(
      `${option} ${folder} lies outside --root ${root}: workers find it by its place below theirs`,
    )
  return path === '' ? '.' : path.split(sep).join('/')
}

/** The folder that a job names. Throws CheckpointError for what lies outside the root, by its name or by a link. */
export function insideRoot(root: string, path: string, field: string): string {
  const bad = (why: string): never => {
    throw new CheckpointError(
      'job',
      `${field} ${why}`,
      'A job names folders below the --root of its worker, and no others',
    )
  }
  if (path === '' || path.length > 4096 || path.includes('\0') || path.includes('\\')) bad('is no path')
  if (isAbsolute(path) || win32.isAbsolute(path) || /^[a-z]:/i.test(path)) bad('is an absolute path')
  if (path.split('/').includes('..')) bad('leads upwards')
  const real = realpathSync(root)
  const found = realOf(join(real, path))
  if (found !== real && !found.startsWith(real.endsWith(sep) ? real : real + sep))
    bad('leads outside by a link')
  return join(root, path)
}

/** Where a path leads, with the links of those of its folders that are there. */
function realOf(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const above = dirname(path)
  return above === path ? path : join(realOf(above), path.slice(above.length))
}
