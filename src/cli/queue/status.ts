// How far a queue is: counts of the store, and rates of what its newest jobs say of themselves.

import { printable } from '../shared/plain.js'
import { count, duration, renderTable } from '../shared/table.js'
import { type JobRecord, type JobState, jobStates, type QueueStore } from './engine.js'

export interface QueueStatus {
  /** Parts of a split, and runs of sweeps. */
  jobs: Record<JobState, number>
  /** Of the last parts; null before the first is done. */
  rowsPerSecond: number | null
  /** null where nothing says. */
  secondsLeft: number | null
  workers: string[]
  inHand: { job: string; worker: string; rows: number }[]
  failures: { job: string; reason: string; attempts: number }[]
}

/** Jobs that rates are made of, and those that are told one by one. */
const RECENT = 200
const TOLD = 20
/** What was done before a pause longer than this says nothing of now. */
const WINDOW_MS = 15 * 60_000

/** A number of a JSON object that may be anything. */
function numberIn(value: unknown, field: string): number {
  const found =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined
  return typeof found === 'number' && found >= 0 && Number.isFinite(found) ? found : 0
}

/** Rows in a second of all workers together: what the newest parts brought, over the time in which they were made. */
function rateOf(done: readonly JobRecord[]): number | null {
  const newest = Math.max(...done.map(({ ended = 0 }) => ended))
  const recent = done.filter(
    ({ ended = 0, started = 0, result }) =>
      ended > newest - WINDOW_MS && started > 0 && numberIn(result, 'rows') > 0,
  )
  if (recent.length === 0) return null
  const first = Math.min(...recent.map(({ started = 0 }) => started))
  const rows = recent.reduce((sum, { result }) => sum + numberIn(result, 'rows'), 0)
  return (1000 * rows) / Math.max(1, newest - first)
}

export async function statusOf(store: QueueStore): Promise<QueueStatus> {
  const [jobs, workers, active, failed, done] = await Promise.all([
    store.counts(),
    store.workers(),
    store.records('active', RECENT),
    store.records('failed', TOLD),
    store.records('done', RECENT),
  ])
  const rowsPerSecond = rateOf(done)
  const inHand = active.map(({ id, worker = '', progress }) => ({
    ...{ job: id, worker, rows: numberIn(progress, 'rows') },
  }))
  const known = [...active, ...done].map(({ data }) => numberIn(data, 'rows'))
  const mean = known.reduce((sum, rows) => sum + rows, 0) / Math.max(1, known.length)
  const open = jobs.waiting + jobs.delayed + jobs.active
  const left = open * mean - inHand.reduce((sum, { rows }) => sum + rows, 0)
  return {
    ...{ jobs, rowsPerSecond, workers, inHand },
    secondsLeft: open === 0 ? 0 : rowsPerSecond === null ? null : Math.max(0, left) / rowsPerSecond,
    failures: failed.map(({ id, reason = '', attempts }) => ({ job: id, reason, attempts })),
  }
}

export function statusText({
  jobs,
  rowsPerSecond,
  secondsLeft,
  workers,
  inHand,
  failures,
}: QueueStatus): string {
  const states = jobStates.map((state) => `${count(jobs[state])} ${state}`).join(', ')
  const rate =
    rowsPerSecond !== null
      ? `${count(rowsPerSecond)} rows/s`
      : jobs.done > 0
        ? 'no rows are labelled'
        : 'no job is done yet'
  const left = secondsLeft === null || secondsLeft === 0 ? '' : `, about ${duration(secondsLeft)} left`
  const columns = (...titles: string[]) => titles.map((title) => ({ title }))
  const tables = [
    inHand.length === 0
      ? []
      : [
          renderTable(
            columns('in hand', 'worker', 'rows'),
            inHand.map(({ job, worker, rows }) => [job, worker, count(rows)]),
          ),
        ],
    failures.length === 0
      ? []
      : [
          renderTable(
            columns('failed', 'tries', 'why'),
            failures.map(({ job, reason, attempts }) => [job, String(attempts), printable(reason)]),
          ),
        ],
  ].flat()
  const more = jobs.failed - failures.length
  return [
    `jobs: ${states}`,
    `${rate}${left}; ${workers.length} ${workers.length === 1 ? 'worker' : 'workers'}`,
    ...tables,
    ...(more > 0 ? [`and ${count(more)} more failed`] : []),
  ].join('\n')
}

/** Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats */
export function prometheus(
  queue: string,
  { jobs, rowsPerSecond, secondsLeft, workers }: QueueStatus,
): string {
  const gauge = (name: string, help: string, values: readonly [labels: string, value: number][]) => [
    `# HELP tinystill_queue_${name} ${help}`,
    `# TYPE tinystill_queue_${name} gauge`,
    ...values.map(([labels, value]) => `tinystill_queue_${name}{queue="${queue}"${labels}} ${value}`),
  ]
  return [
    ...gauge(
      'jobs',
      'Jobs by state: parts of a split, and runs of sweeps.',
      jobStates.map((state) => [`,state="${state}"`, jobs[state]]),
    ),
    ...gauge('workers', 'Workers that are connected.', [['', workers.length]]),
    ...gauge('rows_per_second', 'Rows labelled in a second, all workers together.', [
      ['', rowsPerSecond ?? 0],
    ]),
    ...(secondsLeft === null
      ? []
      : gauge('seconds_left', 'Estimated time until all jobs are done.', [['', secondsLeft]])),
  ].join('\n')
}
