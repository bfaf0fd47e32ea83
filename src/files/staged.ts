// Several files of a folder that go together: all are written aside and looked at there before the first takes its place.
import { randomBytes } from 'node:crypto'
import * as nodeFs from 'node:fs'
import { dirname, join } from 'node:path'
import {
  explain,
  type FileContent,
  type FileSystem,
  makeFolder,
  syncFolder,
  toldOf,
  writeAtomic,
} from './disk.js'

/**
 * Writes files, whose names may lead into folders below, each read back, lets
 * `check` look at the folder that holds them, and then moves them to where they belong. Until then nothing of `folder` has
 * changed: a full disk, or a check that throws, leaves it as it was. Throws CheckpointError.
 */
export function writeStaged(
  folder: string,
  files: Iterable<FileContent>,
  check: (staged: string) => void = () => {},
  fs?: FileSystem,
): void {
  // Within the folder: one that is a disk of its own takes no file from beside it by its name alone.
  const staged = join(folder, `.tinystill-${randomBytes(8).toString('hex')}.tmp`)
  const names: string[] = []
  try {
    for (const [name, data] of files) {
      const path = join(staged, name)
      makeFolder(dirname(path))
      writeAtomic(path, data, fs)
      names.push(name)
    }
    check(staged)
    for (const name of names) {
      const path = join(folder, name)
      makeFolder(dirname(path))
      nodeFs.renameSync(join(staged, name), path)
    }
    for (const own of new Set(names.map((name) => dirname(join(folder, name))))) syncFolder(nodeFs, own)
  } catch (error) {
    throw explain(folder, 'written', toldOf(error, staged, folder), '; what was there before is unchanged')
  } finally {
    nodeFs.rmSync(staged, { recursive: true, force: true })
  }
}
