// A folder of TensorBoard's event files. A run that goes on does not touch the files that are there: it begins the next one,
// which says from which step on theirs do not count. So a file that a kill has torn is in nobody's way.
import * as nodeFs from 'node:fs'
import { join } from 'node:path'
import { eventFileStart, eventRestart, eventScalars, type Scalars } from '../formats/tfevents.js'
import { explain, isFolder, makeFolder } from './disk.js'

/** TensorBoard looks for 'tfevents', and reads the files of a folder in the order of their names. */
const NAME = /^events\.out\.tfevents\.(\d{6})\.tinystill$/

/** In a run's folder. */
export const BOARD = 'tensorboard'

export class EventFile {
  readonly path: string
  readonly #file: number
  #held: Uint8Array[] = []

  /** Begins the folder's next file. step: the first that it is about. Throws CheckpointError. */
  constructor(folder: string, { wallTime, step }: Pick<Scalars, 'wallTime' | 'step'>) {
    makeFolder(folder)
    const numbers = nodeFs.readdirSync(folder).map((name) => Number(NAME.exec(name)?.[1] ?? 0))
    const next = Math.max(0, ...numbers) + 1
    this.path = join(folder, `events.out.tfevents.${String(next).padStart(6, '0')}.tinystill`)
    try {
      this.#file = nodeFs.openSync(this.path, 'wx')
    } catch (error) {
      throw explain(this.path, 'made', error)
    }
    this.#held.push(eventFileStart(wallTime))
    if (next > 1) this.#held.push(eventRestart(wallTime, step))
  }

  /** On its way to the disk after flush(). */
  write(scalars: Scalars): void {
    this.#held.push(eventScalars(scalars))
  }

  /** Throws CheckpointError when the disk does not take it. */
  flush(): void {
    const all = Buffer.concat(this.#held)
    this.#held = []
    try {
      for (let done = 0; done < all.length; ) done += nodeFs.writeSync(this.#file, all, done)
    } catch (error) {
      throw explain(this.path, 'written', error)
    }
  }

  close(): void {
    try {
      this.flush()
    } finally {
      nodeFs.closeSync(this.#file)
    }
  }
}

/** Removes the event files that tinystill wrote in a folder and those in it, and folders that are empty then. */
export function removeEventFiles(folder: string): void {
  if (!isFolder(folder)) return
  for (const entry of nodeFs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) removeEventFiles(path)
    else if (NAME.test(entry.name)) nodeFs.rmSync(path, { force: true })
  }
  try {
    nodeFs.rmdirSync(folder)
  } catch {
    // Not empty.
  }
}
