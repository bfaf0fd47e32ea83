// tinystill work: one worker of a job queue. Its own process holds the lease of the part in hand and computes nothing.
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { TinystillError } from '../../errors.js'
import { isFolder } from '../../files/disk.js'
import type { CommandSpec } from '../shared/command.js'
import { numberIn } from '../shared/options.js'
import { printable } from '../shared/plain.js'
import { count, duration } from '../shared/table.js'
import { loadEngine, type WorkEvent } from './engine.js'
import { addPlaceOptions, type PlaceOptions, placeOf } from './place.js'

interface WorkerOptions extends PlaceOptions {
  root: string
  lease: number
  untilDone: boolean
}

/** Different parts in a row that failed for good here: then it is this worker, and the rest is for others. */
const GIVE_UP = 5

/** A result is JSON of a process of ours, by way of the store. */
interface Said {
  state?: unknown
  said?: unknown
  rows?: unknown
  seconds?: unknown
}

export const workCommand: CommandSpec<WorkerOptions> = {
  name: 'work',
  describe:
    'Do what tinystill queue add and sweep --queue put into a job queue, one after the other, until told to stop',
  options: (command: Command) =>
    addPlaceOptions(command)
      .option('--root <dir>', 'jobs name folders below it, and no others', '.')
      .option('--until-done', 'end when nothing waits and nobody works', false)
      .option(
        '--lease <seconds>',
        'a part whose worker is not heard of for so long is given to another one',
        numberIn(1, 3600),
        30,
      ),
  run: async (options, { output, signals }) => {
    const { root, lease, untilDone, threads } = options
    const place = placeOf(options)
    if (!isFolder(root)) throw new TinystillError(`--root ${root} is no folder`)
    const engine = await loadEngine()
    const told = { done: 0, rows: 0, failed: 0 }
    let inARow = new Set<string>()
    let end = () => {}
    let giveUp = () => {}
    let why = ''
    const stop = new Promise<void>((resolve) => {
      const stopFor = (reason: string) => {
        why ||= reason
        resolve()
      }
      end =
        signals?.((name) => {
          output.info(
            `${name}: ends after the part in hand; once more ends at once, and another worker begins that part anew`,
          )
          stopFor(name)
        }) ?? end
      giveUp = () => stopFor('gave up')
    })
    const onEvent = (event: WorkEvent): void => {
      output.info(eventText(event, untilDone))
      if (event.kind === 'done') {
        const { rows, state } = (event.job.result ?? {}) as Said
        if (state === 'failed') told.failed++
        else told.done++
        told.rows += typeof rows === 'number' ? rows : 0
        inARow = new Set()
      } else if (event.kind === 'failed' && event.final) {
        told.failed++
        if (inARow.add(event.job.id).size >= GIVE_UP) giveUp()
      }
    }
    const name = `${hostname()}-${process.pid}`
    const child = { root: resolve(root), ...(threads !== undefined && { threads }) }
    try {
      await engine.work({
        ...{ ...place, name, untilDone, onEvent, stop },
        ...{ leaseMs: 1000 * lease, settings: child, module: new URL('./child.js', import.meta.url).href },
      })
    } finally {
      end()
    }
    output.print(
      `${name}: ${count(told.done)} parts done, ${count(told.rows)} rows, ${count(told.failed)} failed`,
    )
    output.json({ name, ...told, stopped: why || null })
    if (told.failed > 0)
      throw new TinystillError(
        why === 'gave up'
          ? `${GIVE_UP} parts in a row failed here`
          : `${told.failed} of the parts that were tried here failed`,
        'tinystill queue status says why; mend that, and queue add gives them out again',
      )
  },
}

function eventText(event: WorkEvent, untilDone: boolean): string {
  switch (event.kind) {
    case 'done': {
      const { state, said, rows, seconds } = (event.job.result ?? {}) as Said
      if (typeof said === 'string') return printable(said)
      const figures =
        state === 'labelled' && typeof rows === 'number' && typeof seconds === 'number'
          ? `: ${count(rows)} rows, ${count(rows / Math.max(0.001, seconds))} rows/s, ${duration(seconds)}`
          : ` was ${state === 'there' ? 'published already' : 'published by another worker first'}`
      return `${event.job.id}${figures}`
    }
    case 'failed':
      return `${event.job.id} failed${event.final ? '' : ', and is tried again'}: ${event.job.reason ?? ''}`
    case 'overtaken':
      return `${event.id} was given to another worker: this one was not heard of for longer than its lease`
    case 'lost':
      return `the queue does not answer (${event.reason}); the part in hand goes on${untilDone ? '' : ', and this worker waits'}`
    case 'back':
      return 'the queue answers again'
  }
}
