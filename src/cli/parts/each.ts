// Commands that work on a split part by part: one part, or several one after the other, each published by one rename. Any number
// of processes on any number of machines with one disk; what each does follows from the folder alone.
import { type Command, Option } from 'commander'
import { TinystillError } from '../../errors.js'
import { isFull } from '../../files/disk.js'
import { attempt, publishedPart } from '../../files/parts/attempt.js'
import { type PartsPlan, partName, readPlan } from '../../files/parts/plan.js'
import { Interrupted } from '../../train/run-state.js'
import type { Context } from '../shared/command.js'
import { whole } from '../shared/options.js'
import { count, duration } from '../shared/table.js'

/** In which schedulers tell a task its number: Kubernetes, Slurm, AWS Batch, Google Batch. */
export const indexNames = [
  'JOB_COMPLETION_INDEX',
  'SLURM_ARRAY_TASK_ID',
  'AWS_BATCH_JOB_ARRAY_INDEX',
  'BATCH_TASK_INDEX',
] as const

export interface PartsOptions {
  parts?: string
  part?: number
  of?: number
}

/** each: what a part becomes in --out, 'a cache'. */
export function addPartsOptions(command: Command, each: string): Command {
  return command
    .option('--parts <dir>', `instead of --data: what tinystill split wrote, each part ${each} in --out`)
    .addOption(
      new Option(
        '--part <n>',
        `of --parts this one, from 0; default: ${indexNames.join(', ')} of the environment, else all that are missing`,
      ).argParser(whole(0)),
    )
    .option('--of <m>', 'and each mth after it: of m processes, part n is of process n mod m', whole(1))
}

/** Throws RangeError where not one of both is there. */
export function checkDataOrParts({ data, parts, part, of }: PartsOptions & { data?: string }): void {
  if ((data === undefined) === (parts === undefined))
    throw new RangeError('Give --data or --parts, one of them')
  if (parts === undefined && (part !== undefined || of !== undefined))
    throw new RangeError('--part and --of go with --parts')
}

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

function partsAsked({ part: asked, of }: PartsOptions, plan: PartsPlan): number[] {
  const all = plan.parts.length
  const first = firstPart(asked, all)
  if (first === null && of !== undefined) throw new RangeError('--of: say with --part which of them')
  if (first === null) return Array.from({ length: all }, (_, part) => part)
  return Array.from(
    { length: of === undefined ? 1 : Math.ceil((all - first) / of) },
    (_, i) => first + i * (of ?? 0),
  )
}

/** What a command does of a part. */
export interface PartWork<D extends { rows: number }> {
  /** 'labelled' */
  done: string
  /** Whether it is published, as it would be made now. Throws CheckpointError naming the field that differs. */
  isPublished(part: number): boolean
  /** Makes it in a folder that is not there yet, and gives its figures. */
  make(part: number, folder: string): Promise<D>
  /** The figures for people. */
  text(made: D): string
}

export interface PartEnd {
  part: number
  /** there: it was published before. taken: another process was first. Else PartWork's own word. */
  state: string
  reason?: string
}

export interface PartsAsked {
  plan: PartsPlan
  wanted: readonly number[]
}

/** The plan, and which of its parts are asked for. Throws CheckpointError or RangeError. */
export function readParts(options: PartsOptions & { parts: string }): PartsAsked {
  const plan = readPlan(options.parts)
  return { plan, wanted: partsAsked(options, plan) }
}

/** Does one part and publishes it, unless it is there or another process is first. Throws what make() throws. */
export async function onePart<D extends { rows: number }>(
  part: number,
  out: string,
  work: PartWork<D>,
  { output }: Pick<Context, 'output'>,
): Promise<PartEnd & Partial<D>> {
  const ended = (state: string) => ({ part, state }) as PartEnd & Partial<D>
  if (work.isPublished(part)) return ended('there')
  const own: { made?: D } = {}
  const published = await attempt(out, part, async (folder) => {
    own.made = await work.make(part, folder)
  })
  if (!published) {
    output.info(`${partName(part)}: another process was first`)
    return ended('taken')
  }
  output.info(`${publishedPart(out, part)}: ${work.text(own.made as D)}`)
  return { ...ended(work.done), ...own.made }
}

/** Does all that is wanted and not there. Throws TinystillError in the end where parts have failed: the others are done. */
export async function eachPart<D extends { rows: number }>(
  command: string,
  wanted: readonly number[],
  { out, seed }: { out: string; seed: number },
  work: PartWork<D>,
  context: Context,
): Promise<void> {
  const { output, now } = context
  const began = now()
  const all: (PartEnd & Partial<D>)[] = []
  for (const part of wanted) {
    try {
      all.push(await onePart(part, out, work, context))
    } catch (error) {
      // The others are no worse for it, but on a full disk.
      if (!(error instanceof TinystillError) || error instanceof Interrupted || wanted.length === 1)
        throw error
      if (isFull(error)) {
        const done = all.filter(({ state }) => state === work.done).length
        const stay =
          done === 1
            ? `1 part was ${work.done}, and stays`
            : `${count(done)} parts were ${work.done}, and stay`
        const full = new TinystillError(
          `${command}: ${partName(part)}: ${error.message}`,
          `${stay}: run the same command again`,
        )
        throw Object.assign(full, { cause: error })
      }
      all.push({ part, state: 'failed', reason: error.message } as PartEnd & Partial<D>)
      output.info(`${partName(part)}: ${error.message}`)
    }
  }
  const of = (state: string) => all.filter((end) => end.state === state)
  const rows = of(work.done).reduce((n, end) => n + ((end as Partial<D>).rows ?? 0), 0)
  const seconds = (now() - began) / 1000
  output.print(
    `${out}: ${of(work.done).length} of ${wanted.length} parts ${work.done}, ${count(rows)} rows in ${duration(seconds)}; ${of('there').length} were there, ${of('taken').length} done by others`,
  )
  output.json({ parts: all, rows, seconds, seed, out })
  const failed = of('failed')
  if (failed.length > 0)
    throw new TinystillError(
      `${command}: ${failed.length} of ${wanted.length} parts failed: ${failed.map(({ part, reason }) => `${partName(part)}: ${reason}`).join('; ')}`,
      'Mend that, and run the same command again: what is published stays',
    )
}
