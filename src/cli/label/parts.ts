// tinystill label --parts: one part of a split, or several one after the other, each a cache of its own. Any number of
// processes on any number of machines with one disk; what each does follows from the folder alone.
import { TinystillError } from '../../errors.js'
import { teacherFacts } from '../../files/cache/facts.js'
import type { LabellingTeacher } from '../../files/cache/fill.js'
import type { CacheFacts, TeacherFacts } from '../../files/cache/manifest.js'
import { streamTexts } from '../../files/data/texts.js'
import { isFull, makeFolder } from '../../files/disk.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { attempt, isPublished, publishedPart } from '../../files/parts/attempt.js'
import { openPart, type PartsPlan, partName, readPlan } from '../../files/parts/plan.js'
import { Interrupted } from '../../train/run-state.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { count, duration } from '../shared/table.js'
import { firstTexts, tellTokens } from '../shared/tokens.js'
import { type Filled, fill, filledText } from './fill.js'
import { type LabelOptions, settingsOf } from './settings.js'

/** In which schedulers tell a task its number: Kubernetes, Slurm, AWS Batch, Google Batch. */
export const indexNames = [
  'JOB_COMPLETION_INDEX',
  'SLURM_ARRAY_TASK_ID',
  'AWS_BATCH_JOB_ARRAY_INDEX',
  'BATCH_TASK_INDEX',
] as const

/** --part, or the number that a scheduler gave. Throws RangeError for one that is no part. */
function firstPart(asked: number | undefined, parts: number): number | null {
  const name = indexNames.find((name) => process.env[name] !== undefined)
  const text = name === undefined ? '' : (process.env[name] as string)
  const [from, part] =
    asked !== undefined ? ['--part', asked] : [name, /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN]
  if (from === undefined) return null
  if (!(part < parts))
    throw new RangeError(`${from} is ${asked ?? text}, the plan has parts 0 to ${parts - 1}`)
  return part
}

/**
 * Rows of a shard of which a part has a whole number, at most as many as usual. Throws RangeError where they would be so few that
 * writing files takes longer than labelling.
 */
function dividing(partRows: number, usual: number): number {
  const most = Math.min(usual, partRows)
  let rows = most
  while (partRows % rows !== 0) rows--
  const least = Math.ceil(most / 16)
  if (rows < least)
    throw new RangeError(
      `the parts have ${count(partRows)} rows, which no number of rows a file from ${count(least)} to ${count(most)} divides: split again with a rounder --rows, or give --shard-rows ${rows} all the same`,
    )
  return rows
}

function partsAsked({ part: asked, of }: LabelOptions, plan: PartsPlan): number[] {
  const all = plan.parts.length
  const first = firstPart(asked, all)
  if (first === null && of !== undefined) throw new RangeError('--of: say with --part which of them')
  if (first === null) return Array.from({ length: all }, (_, part) => part)
  return Array.from(
    { length: of === undefined ? 1 : Math.ceil((all - first) / of) },
    (_, i) => first + i * (of ?? 0),
  )
}

export interface Labelled extends Partial<Filled> {
  part: number
  /** there: it was published before. taken: another process was first. */
  state: 'labelled' | 'there' | 'taken' | 'failed'
  reason?: string
}

/** What the caches of all parts have in common: whose outputs they hold, and how. Throws RangeError naming the option. */
export function sharedFacts(
  options: LabelOptions,
  teacher: TextClassifierFolder,
  facts: TeacherFacts,
  plan: PartsPlan,
): Omit<CacheFacts, 'data'> {
  const settings = settingsOf(options, teacher, (usual) => dividing(plan.partRows, usual))
  if (plan.partRows % settings.shardRows !== 0)
    throw new RangeError(
      `--shard-rows ${settings.shardRows}: the parts have ${count(plan.partRows)} rows, which it does not divide`,
    )
  const { classes, problemType } = teacher
  return { teacher: facts, settings, labels: [...classes], problemType }
}

/** Of one part's cache. */
export function partFacts(
  shared: Omit<CacheFacts, 'data'>,
  { parts }: Pick<PartsPlan, 'parts'>,
  part: number,
): CacheFacts {
  const { file, bytes, sha256 } = parts[part]
  return { ...shared, data: { file, bytes, sha256 } }
}

export interface PartWork {
  /** The folders of the split and of the caches. */
  parts: string
  out: string
  plan: PartsPlan
  part: number
  facts: CacheFacts
  /** Called with the part's file before it is labelled. */
  onFile?: (file: string) => void
}

/** Labels one part and publishes it, unless it is there or another process is first. Throws TinystillError, Interrupted. */
export async function labelPart(
  { parts, out, plan, part, facts, onFile }: PartWork,
  teacher: TextClassifierFolder,
  context: Context,
): Promise<Labelled> {
  if (isPublished(out, part, facts)) return { part, state: 'there' }
  const file = openPart(parts, plan, part)
  onFile?.(file)
  const own: { filled?: Filled } = {}
  const published = await attempt(out, part, async (folder) => {
    const total = plan.parts[part].rows
    own.filled = await fill(
      {
        ...{ file, rows: streamTexts(file), total, folder, facts, resume: false },
        left: () => `${partName(part)} is begun anew the next time`,
      },
      teacher as LabellingTeacher,
      context,
    )
  })
  if (!published) {
    context.output.info(`${partName(part)}: another process was first`)
    return { part, state: 'taken' }
  }
  const filled = own.filled as Filled
  context.output.info(`${publishedPart(out, part)}: ${filledText(filled)}`)
  return { part, state: 'labelled', ...filled }
}

export async function labelParts(
  options: LabelOptions & CommonOptions & { parts: string },
  teacher: TextClassifierFolder,
  context: Context,
): Promise<void> {
  const { output, now } = context
  const { parts: folder, out, seed } = options
  const plan = readPlan(folder)
  const wanted = partsAsked(options, plan)
  const shared = sharedFacts(options, teacher, teacherFacts(options.teacher, teacher.tokenizer), plan)
  makeFolder(out)
  const began = now()
  const all: Labelled[] = []
  const onFile = (file: string) => {
    if (all.length === 0)
      tellTokens(output, { ...teacher, folder: options.teacher }, file, firstTexts(streamTexts(file)))
  }
  for (const part of wanted) {
    try {
      const work = { parts: folder, out, plan, part, facts: partFacts(shared, plan, part), onFile }
      all.push(await labelPart(work, teacher, context))
    } catch (error) {
      // The others are no worse for it, but on a full disk.
      if (!(error instanceof TinystillError) || error instanceof Interrupted || wanted.length === 1)
        throw error
      if (isFull(error)) {
        const done = all.filter(({ state }) => state === 'labelled').length
        const stay =
          done === 1 ? '1 part was labelled, and stays' : `${count(done)} parts were labelled, and stay`
        const full = new TinystillError(
          `label: ${partName(part)}: ${error.message}`,
          `${stay}: run the same command again`,
        )
        throw Object.assign(full, { cause: error })
      }
      all.push({ part, state: 'failed', reason: error.message })
      output.info(`${partName(part)}: ${error.message}`)
    }
  }
  const of = (state: Labelled['state']) => all.filter((labelled) => labelled.state === state)
  const rows = of('labelled').reduce((n, { rows = 0 }) => n + rows, 0)
  output.print(
    `${out}: ${of('labelled').length} of ${wanted.length} parts labelled, ${count(rows)} rows in ${duration((now() - began) / 1000)}; ${of('there').length} were there, ${of('taken').length} done by others`,
  )
  output.json({ parts: all, rows, seconds: (now() - began) / 1000, seed, out })
  const failed = of('failed')
  if (failed.length > 0)
    throw new TinystillError(
      `label: ${failed.length} of ${wanted.length} parts failed: ${failed.map(({ part, reason }) => `${partName(part)}: ${reason}`).join('; ')}`,
      'Mend that, and run the same command again: what is published stays',
    )
}
