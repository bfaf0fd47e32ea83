// tinystill label --parts: each part of a split becomes a cache of its own.
import { teacherFacts } from '../../files/cache/facts.js'
import type { LabellingTeacher } from '../../files/cache/fill.js'
import type { CacheFacts } from '../../files/cache/manifest.js'
import { streamTexts } from '../../files/data/texts.js'
import { makeFolder } from '../../files/disk.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { isPublished } from '../../files/parts/attempt.js'
import { openPart, partName } from '../../files/parts/plan.js'
import { eachPart, readParts } from '../parts/each.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { count } from '../shared/table.js'
import { firstTexts, tellTokens } from '../shared/tokens.js'
import { type Filled, fill, filledText } from './fill.js'
import { type LabelOptions, settingsOf } from './settings.js'

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

export async function labelParts(
  options: LabelOptions & CommonOptions & { parts: string },
  teacher: TextClassifierFolder,
  context: Context,
): Promise<void> {
  const { output } = context
  const { parts: folder, out } = options
  const { plan, wanted } = readParts(options)
  const settings = settingsOf(options, teacher, (usual) => dividing(plan.partRows, usual))
  if (plan.partRows % settings.shardRows !== 0)
    throw new RangeError(
      `--shard-rows ${settings.shardRows}: the parts have ${count(plan.partRows)} rows, which it does not divide`,
    )
  const { classes, problemType, tokenizer } = teacher
  const common = {
    teacher: teacherFacts(options.teacher, tokenizer),
    settings,
    labels: [...classes],
    problemType,
  }
  const factsOf = (part: number): CacheFacts => {
    const { rows: _, ...data } = plan.parts[part]
    return { ...common, data }
  }
  makeFolder(out)
  let told = false
  await eachPart<Filled>(
    'label',
    wanted,
    options,
    {
      done: 'labelled',
      isPublished: (part) => isPublished(out, part, factsOf(part)),
      make: (part, to) => {
        const file = openPart(folder, plan, part)
        if (!told)
          tellTokens(output, { ...teacher, folder: options.teacher }, file, firstTexts(streamTexts(file)))
        told = true
        return fill(
          {
            ...{ file, rows: streamTexts(file), total: plan.parts[part].rows, folder: to },
            ...{ facts: factsOf(part), resume: false },
            left: () => `${partName(part)} is begun anew the next time`,
          },
          teacher as LabellingTeacher,
          context,
        )
      },
      text: filledText,
    },
    context,
  )
}
