// All runs of a sweep, some at once, in this process and any others with the same folder. A run is taken by a lease on its name;
// who is killed loses it, and whoever comes next goes on from the run's checkpoint.
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../../files/disk.js'
import { isFileHeld, isLocked, tidyFileLock, tryLockFile } from '../../files/lock.js'
import { Interrupted } from '../../train/run-state.js'
import type { Context } from '../shared/command.js'
import { count } from '../shared/table.js'
import { type Child, type Ended, start } from './child.js'
import { endOf, endText, fail, failureOf, logOf, type Run, type RunEnd } from './runs.js'

export interface Work {
  /** Runs at once. */
  jobs: number
  /** Once more those that failed before. */
  retry: boolean
  /** Options that the sweep itself was given for all its runs. */
  more: readonly string[]
}

/** Runs that others have are looked at again after this. */
const LOOK_MS = 2000
/** A run whose process was killed goes on; killed as often as this it has failed. */
const KILLS = 3

/** Until every run is done or has failed, wherever. Throws Interrupted when the user asks to stop: what runs is saved. */
export async function workThrough(runs: readonly Run[], work: Work, context: Context): Promise<void> {
  const { output, progress, signals } = context
  const failedBefore = new Set(work.retry ? runs.filter((run) => endOf(run)?.status === 'failed') : [])
  const open = new Set<Run>()
  const inHand = new Map<Run, Child | null>()
  let failed = 0
  /** By a signal, or by an error in a lane: nothing more is begun. */
  let stopped: string | null = null
  const wakes = new Set<() => void>()

  /** null: to be run, still or again. */
  const ended = (run: Run): RunEnd | null => {
    const end = endOf(run)
    return end?.status === 'failed' && failedBefore.has(run) ? null : end
  }
  const close = (run: Run, end: RunEnd) => {
    open.delete(run)
    if (end.status === 'failed') failed++
    progress.note(endText(run, end))
    show()
  }
  const show = () =>
    progress.update(runs.length - open.size, { running: count(inHand.size), failed: count(failed) })

  const stop = (name: NodeJS.Signals) => {
    stopped = name
    for (const child of inHand.values()) child?.kill(name)
    for (const wake of wakes) wake()
  }
  const unlisten = signals?.((name) => {
    output.info(`${name}: what runs is saved; once more stops at once`)
    stop(name as NodeJS.Signals)
  })

  /** The next run that nobody has, and how to give it back. */
  function claim(): { run: Run; release: () => void } | null {
    for (const run of open) {
      if (inHand.has(run)) continue
      const end = ended(run)
      if (end !== null) {
        // Of a sweep that was killed after its run had ended, or whose run went on to its end without it.
        tidyFileLock(run.folder)
        close(run, end)
        continue
      }
      // The folder's own lock: of a process whose sweep was killed, and which has not noticed yet.
      if (isLocked(run.folder)) continue
      const release = tryLockFile(run.folder)
      if (release === null) continue
      // It may have come to its end since.
      if (ended(run) === null && !isLocked(run.folder)) return { run, release }
      release()
    }
    return null
  }

  async function lane(): Promise<void> {
    for (;;) {
      if (stopped !== null) return
      const claimed = claim()
      if (claimed !== null) {
        inHand.set(claimed.run, null)
        show()
        try {
          await take(claimed.run)
        } finally {
          inHand.delete(claimed.run)
          claimed.release()
        }
      } else if ([...open].every((run) => inHand.has(run))) return
      else await rest()
    }
  }

  /** Others have all that is left. */
  async function rest(): Promise<void> {
    progress.aside('waits for runs of other processes', open.size - inHand.size, runs.length)
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        wakes.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, LOOK_MS)
      wakes.add(wake)
    })
  }

  async function take(run: Run): Promise<void> {
    failedBefore.delete(run)
    rmSync(failureOf(run.folder), { force: true })
    let last: Ended | null = null
    for (let kills = 0; kills < KILLS; kills++) {
      const child = start([...run.words, ...work.more], logOf(run.folder))
      inHand.set(run, child)
      last = await child.ended
      const end = endOf(run)
      if (end?.status === 'done') return close(run, end)
      // Another machine has it by now, or a process that was on its way out; it is looked at again.
      if (stopped !== null || !isFileHeld(run.folder) || isLocked(run.folder)) return
      const { code, signal } = last
      if (signal === null && code !== 130 && code !== 143) break
    }
    const { signal, reason } = last as Ended
    const why =
      signal === null
        ? (reason ?? 'ended without a word')
        : `its process was ended by ${signal} ${KILLS} times: is there too little memory?`
    close(run, fail(run, why))
  }

  for (const run of runs) {
    if (ended(run) === null) open.add(run)
    else tidyFileLock(run.folder)
  }
  if (open.size === 0) return void unlisten?.()
  makeFolder(dirname(runs[0].folder))
  progress.start('runs', runs.length)
  const before = runs.length - open.size
  if (before > 0) progress.note(`${count(before)} of ${count(runs.length)} runs have ended before`)
  const lanes = Array.from({ length: Math.min(work.jobs, open.size) }, () =>
    lane().catch((error) => {
      stop('SIGTERM')
      throw error
    }),
  )
  const [broken] = (await Promise.allSettled(lanes)).filter((lane) => lane.status === 'rejected')
  unlisten?.()
  progress.finish('')
  if (broken !== undefined) throw broken.reason
  if (stopped !== null)
    throw new Interrupted(
      stopped,
      `${count(runs.length - open.size)} of ${count(runs.length)} runs have ended`,
    )
}
