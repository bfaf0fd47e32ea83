// The one file that a reader reads again and again. Written over in place: to cut a file to nothing and fill it again takes
// a file system a hundred times as long.
import { ftruncateSync, openSync, writeSync } from 'node:fs'

/** Gives the function that fills the file. */
export function slot(path: string): (bytes: Uint8Array) => void {
  const file = openSync(path, 'w')
  return (bytes) => {
    writeSync(file, bytes, 0, bytes.length, 0)
    ftruncateSync(file, bytes.length)
  }
}
