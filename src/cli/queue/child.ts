// What a worker's own process does with a job. It keeps its teacher, which takes longer to load than a small part to label.
// The worker itself only holds the job's lease: a process that computes cannot renew it in time.
import { CheckpointError, TinystillError } from '../../errors.js'
import { teacherFacts } from '../../files/cache/facts.js'
import { checkSameFacts, sameTokenizer, type TeacherFacts } from '../../files/cache/manifest.js'
import { makeFolder } from '../../files/disk.js'
import { partName, readPlan } from '../../files/parts/plan.js'
import { loadLabeller } from '../embed/label.js'
import { labelPart, partFacts, sharedFacts } from '../label/parts.js'
import type { LabellingFolder } from '../label/settings.js'
import type { PartEnd } from '../parts/each.js'
import type { Context, Environment } from '../shared/command.js'
import { requireOther } from '../shared/model-folder.js'
import { applyCommonOptions } from '../shared/options.js'
import { createOutput } from '../shared/output.js'
import type { Progress } from '../shared/progress.js'
import type { ChildSettings } from './engine.js'
import { insideRoot, type PartJob, readJob } from './job.js'

/** What another try would meet again: the job, its plan, its part or its teacher is not what it must be. */
export class Unfit extends TinystillError {}

export interface JobHooks {
  onRows: (done: number) => void
  /** As bin.ts has it: calls back when the work shall end. */
  signals: Environment['signals']
}

export interface JobResult extends Pick<PartEnd, 'state'> {
  part: number
  /** That were labelled here. */
  rows: number
  seconds: number
}

interface Loaded {
  folder: string
  facts: TeacherFacts
  teacher: LabellingFolder
}

let loaded: Loaded | null = null

/** The teacher of the job before, unless another folder is asked for, or files of another one. */
function teacherOf(folder: string, asked: TeacherFacts, embeddings: boolean): Loaded {
  const same =
    loaded !== null &&
    loaded.facts.weights === asked.weights &&
    loaded.facts.config === asked.config &&
    sameTokenizer(loaded.facts, asked) &&
    embeddings === (loaded.teacher.embedding !== undefined)
  if (loaded === null || loaded.folder !== folder || !same) {
    const teacher = loadLabeller(folder, embeddings)
    loaded = { folder, teacher, facts: teacherFacts(folder, teacher.tokenizer) }
  }
  return loaded
}

let applied = false

function applyOnce({ threads }: ChildSettings): void {
  const common = { seed: 1, json: false, quiet: true, debug: false }
  if (!applied) applyCommonOptions(threads === undefined ? common : { ...common, threads })
  applied = true
}

/** Everything that can be known before the work. Throws CheckpointError, RangeError. */
function checked(job: PartJob, root: string) {
  const parts = insideRoot(root, job.parts, 'parts')
  const out = insideRoot(root, job.caches, 'caches')
  const folder = insideRoot(root, job.teacher, 'teacher')
  const { part, rows, facts: asked } = job
  const plan = readPlan(parts)
  if (!(part < plan.parts.length))
    throw new CheckpointError(parts, `has parts 0 to ${plan.parts.length - 1}, and no ${partName(part)}`)
  requireOther(out, folder)
  const { teacher, facts } = teacherOf(folder, asked.teacher, asked.settings.embedding !== undefined)
  const { layers, topK, embedding, depth: _, width: __, ...settings } = asked.settings
  const wanted = {
    ...{ ...settings, teacher: folder, out, resume: false },
    ...(topK !== null && { topK }),
    ...(embedding !== undefined && { embeddings: true }),
    ...((settings.hidden === 'all' || settings.hidden === 'cls') && { layers: [...layers] }),
  }
  const own = partFacts(sharedFacts(wanted, teacher, facts, plan), plan, part)
  checkSameFacts(`job ${partName(part)}`, asked, own)
  if (plan.parts[part].rows !== rows)
    throw new CheckpointError(parts, `${partName(part)} has ${plan.parts[part].rows} rows, the job ${rows}`)
  // Where the teacher was found is for people: as whoever added the run named it, so that all parts say the same.
  const named = { ...own, teacher: { ...own.teacher, folder: asked.teacher.folder } }
  return { parts, out, plan, part, teacher, facts: named }
}

/**
 * Labels the part that a job names, unless it is published. Throws Unfit for what no further try can mend, TinystillError for the
 * rest, Interrupted where it was ended by a signal: its attempt is gone then.
 */
export async function labelJob(
  data: unknown,
  settings: ChildSettings,
  { onRows, signals }: JobHooks,
): Promise<JobResult> {
  const now = () => performance.now()
  const began = now()
  let ready: ReturnType<typeof checked>
  try {
    applyOnce(settings)
    ready = checked(readJob(data), settings.root)
  } catch (error) {
    throw new Unfit(error instanceof Error ? error.message : String(error))
  }
  const { teacher, part, facts, ...folders } = ready
  const work = { ...folders, facts: () => facts }
  makeFolder(work.out)
  const nowhere = { write: () => {} }
  const nothing = () => {}
  const progress: Progress = {
    ...{ start: nothing, aside: nothing, note: nothing, finish: nothing },
    update: onRows,
  }
  const context: Context = {
    output: createOutput({ json: false, quiet: true, stdout: nowhere, stderr: nowhere }),
    lines: async function* () {},
    ...{ progress, now, signals },
  }
  const { state, rows = 0 } = await labelPart(part, work, teacher, context)
  return { part, state, rows, seconds: (now() - began) / 1000 }
}
