// What a worker's own process does: a job by its kind. The worker itself only holds the job's lease: a process that computes
// cannot renew it in time.
import { Fields } from '../../formats/fields.js'
import { runJob } from '../sweep/job.js'
import type { ChildSettings } from './engine.js'
import { PART, RUN } from './job.js'
import { fitting, type JobHooks, type JobResult } from './job-context.js'
import { labelJob } from './label-part.js'

const kinds: Readonly<
  Record<string, (data: unknown, settings: ChildSettings, hooks: JobHooks) => Promise<JobResult>>
> = { [PART]: labelJob, [RUN]: runJob }

/**
 * Does what a job asks, unless it is done. Throws Unfit for what no further try can mend, TinystillError for the rest, Interrupted
 * where it was ended by a signal.
 */
export async function doJob(data: unknown, settings: ChildSettings, hooks: JobHooks): Promise<JobResult> {
  const kind = fitting(() => Fields.of('job', data).oneOf('format', Object.keys(kinds)))
  return kinds[kind](data, settings, hooks)
}
