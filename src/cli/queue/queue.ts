// tinystill queue add, status, drain: the parts of a split in a job queue, for workers on any machine.
import type { Command } from 'commander'
import { teacherFacts } from '../../files/cache/facts.js'
import { makeFolder } from '../../files/disk.js'
import { isPublished } from '../../files/parts/attempt.js'
import { readPlan } from '../../files/parts/plan.js'
import { loadLabeller } from '../embed/label.js'
import { partFacts, sharedFacts } from '../label/parts.js'
import { addSettingsOptions, type LabelOptions } from '../label/settings.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { requireOther } from '../shared/model-folder.js'
import { count } from '../shared/table.js'
import type { QueuedJob, QueueStore } from './engine.js'
import { belowRoot, jobOf, runId } from './job.js'
import {
  type AddingOptions,
  addAddingOptions,
  addPlaceOptions,
  checkSafe,
  type PlaceOptions,
  withStore,
} from './place.js'
import { prometheus, statusOf, statusText } from './status.js'

export interface AddOptions extends LabelOptions, AddingOptions {
  parts: string
}

/** The jobs of all parts that are not published, by what the folders hold. Throws TinystillError, RangeError. */
export function jobsOf(options: AddOptions): { run: string; jobs: QueuedJob[]; parts: number; rows: number } {
  const { parts, out, root } = options
  const plan = readPlan(parts)
  requireOther(out, options.teacher)
  const teacher = loadLabeller(options.teacher, options.embeddings)
  const shared = sharedFacts(options, teacher, teacherFacts(options.teacher, teacher.tokenizer), plan)
  const folders = {
    parts: belowRoot(root, parts, '--parts'),
    caches: belowRoot(root, out, '--out'),
    teacher: belowRoot(root, options.teacher, '--teacher'),
  }
  const run = runId(folders, plan, shared)
  const jobs: QueuedJob[] = []
  let rows = 0
  for (const [part, own] of plan.parts.entries()) {
    const facts = partFacts(shared, plan, part)
    if (isPublished(out, part, facts)) continue
    jobs.push(jobOf(run, { ...folders, part, rows: own.rows, facts }))
    rows += own.rows
  }
  return { run, jobs, parts: plan.parts.length, rows }
}

export async function addJobs(
  store: QueueStore,
  options: AddOptions,
  { output }: Pick<Context, 'output'>,
): Promise<void> {
  await checkSafe(store, options, { output })
  const { run, jobs, parts, rows } = jobsOf(options)
  makeFolder(options.out)
  const added = await store.add(jobs)
  const published = parts - jobs.length
  output.print(
    `run ${run}: ${count(added)} of ${count(parts)} parts added, ${count(jobs.length - added)} were in the queue, ${count(published)} are published; ${count(rows)} rows to label`,
  )
  output.print(
    jobs.length === 0
      ? `next: tinystill join --parts ${options.parts} --caches ${options.out} --out CACHE`
      : 'next: tinystill work, in as many processes as you like; tinystill queue status',
  )
  output.json({ run, parts, added, waiting: jobs.length - added, published, rows })
}

export const addCommand: CommandSpec<AddOptions> = {
  name: 'queue add',
  describe:
    'Put the parts of a split that are not published yet into a job queue (Redis, by the package @tinystill/queue)',
  options: (command: Command) =>
    addSettingsOptions(
      addAddingOptions(
        addPlaceOptions(command)
          .requiredOption('--teacher <dir>', 'folder of the model')
          .requiredOption('--parts <dir>', 'what tinystill split wrote')
          .requiredOption('--out <dir>', 'where each part becomes a cache'),
        'the three',
      ),
    ),
  run: (options, context) => withStore(options, (store) => addJobs(store, options, context)),
}

interface StatusOptions extends PlaceOptions {
  prometheus: boolean
}

export const statusCommand: CommandSpec<StatusOptions> = {
  name: 'queue status',
  describe: 'Jobs by state, rows a second, time left, workers, and why jobs failed',
  options: (command: Command) =>
    addPlaceOptions(command).option(
      '--prometheus',
      "in Prometheus' text format, for its file collector",
      false,
    ),
  run: (options, { output }) =>
    withStore(options, async (store) => {
      const status = await statusOf(store)
      output.print(options.prometheus ? prometheus(options.queue, status) : statusText(status))
      output.json(status)
    }),
}

export const drainCommand: CommandSpec<PlaceOptions> = {
  name: 'queue drain',
  describe:
    'Take everything out of the queue that nobody works on; parts in hand are finished, published ones stay',
  options: addPlaceOptions,
  run: (options: PlaceOptions & CommonOptions, { output }) =>
    withStore(options, async (store) => {
      const { waiting, delayed, failed, done } = await store.drain()
      const { active } = await store.counts()
      output.print(
        `taken out: ${count(waiting + delayed)} that waited, ${count(failed)} failed, ${count(done)} done; ${count(active)} in hand`,
      )
      output.json({ waiting: waiting + delayed, failed, done, active })
    }),
}
