// tinystill label --parts: each part of a split becomes a cache of its own.
import { teacherFacts } from '../../files/cache/facts.js'
import type { LabellingTeacher } from '../../files/cache/fill.js'
import type { CacheFacts, TeacherFacts } from '../../files/cache/manifest.js'
import { streamTexts } from '../../files/data/texts.js'
import { makeFolder } from '../../files/disk.js'
import { isPublished } from '../../files/parts/attempt.js'
import { openPart, type PartsPlan, partName } from '../../files/parts/plan.js'
import { eachPart, onePart, type PartEnd, type PartWork, readParts } from '../parts/each.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { count } from '../shared/table.js'
import { firstTexts, tellTokens } from '../shared/tokens.js'
import { type Filled, fill, filledText } from './fill.js'
import { type LabellingFolder, type LabelOptions, settingsOf } from './settings.js'

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

/** What the caches of all parts have in common: whose outputs they hold, and how. Throws RangeError naming the option. */
export function sharedFacts(
  options: LabelOptions,
  teacher: LabellingFolder,
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

export interface LabelParts {
  /** The folders of the split and of the caches. */
  parts: string
  out: string
  plan: PartsPlan
  /** What each part's cache says of itself. */
  facts(part: number): CacheFacts
  /** Called with a part's file before it is labelled. */
  onFile?: (file: string) => void
}

function labelWork(
  { parts, out, plan, facts, onFile }: LabelParts,
  teacher: LabellingFolder,
  context: Context,
): PartWork<Filled> {
  return {
    done: 'labelled',
    isPublished: (part) => isPublished(out, part, facts(part)),
    make: (part, folder) => {
      const file = openPart(parts, plan, part)
      onFile?.(file)
      return fill(
        {
          ...{ file, rows: streamTexts(file), total: plan.parts[part].rows, folder },
          ...{ facts: facts(part), resume: false },
          left: () => `${partName(part)} is begun anew the next time`,
        },
        teacher as LabellingTeacher,
        context,
      )
    },
    text: filledText,
  }
}

/** Labels one part and publishes it, unless it is there or another process is first. Throws TinystillError, Interrupted. */
export const labelPart = (
  part: number,
  work: LabelParts,
  teacher: LabellingFolder,
  context: Context,
): Promise<PartEnd & Partial<Filled>> => onePart(part, work.out, labelWork(work, teacher, context), context)

export async function labelParts(
  options: LabelOptions & CommonOptions & { parts: string },
  teacher: LabellingFolder,
  context: Context,
): Promise<void> {
  const { parts, out } = options
  const { plan, wanted } = readParts(options)
  const shared = sharedFacts(options, teacher, teacherFacts(options.teacher, teacher.tokenizer), plan)
  makeFolder(out)
  let told = false
  const onFile = (file: string) => {
    if (!told)
      tellTokens(context.output, { ...teacher, folder: options.teacher }, file, firstTexts(streamTexts(file)))
    told = true
  }
  const facts = (part: number) => partFacts(shared, plan, part)
  const work = labelWork({ parts, out, plan, facts, onFile }, teacher, context)
  await eachPart('label', wanted, options, work, context)
}
