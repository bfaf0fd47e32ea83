// What a .gz file unpacks to, in pieces: neither file nor content is in memory as a whole.
import * as fs from 'node:fs'
import { Gunzip } from 'minizlib'
import { DataError } from '../errors.js'
import { openFile } from './disk.js'

/** Bytes read at a time: deflate makes at most 1032 of each. */
const CHUNK = 2 ** 15
/** Text shrinks to a tenth, to a hundredth where its lines are alike. */
const MOST_RATIO = 200
/** Below it no ratio is too large. */
const ALWAYS = 2 ** 28

export const isGzip = (path: string): boolean => /\.gz$/i.test(path)

/**
 * Throws DataError for what is no gzip, is damaged (each member has a checksum) or torn, and where a file of some size would unpack
 * to more than 200 times that.
 */
export function* gunzipped(path: string, always = ALWAYS): Generator<Uint8Array> {
  const { file, size } = openFile(path)
  const unzip = new Gunzip({})
  let ready: Uint8Array[] = []
  let problem: Error | null = null
  unzip.on('data', (bytes: Uint8Array) => ready.push(bytes))
  unzip.on('error', (error: unknown) => {
    problem = error as Error
  })
  let out = 0
  function* flush(): Generator<Uint8Array> {
    if (problem !== null)
      throw new DataError(
        path,
        `cannot be unpacked: ${problem.message.replace(/^zlib: /, '')}`,
        'Is it whole, and gzip? Copy it again',
      )
    const given = ready
    ready = []
    for (const bytes of given) {
      out += bytes.length
      if (out > always && out > MOST_RATIO * size)
        throw new DataError(
          path,
          `unpacks to more than ${MOST_RATIO} times its ${size} bytes`,
          'Unpack it yourself where that is right',
        )
      yield bytes
    }
  }
  try {
    const buffer = new Uint8Array(CHUNK)
    for (;;) {
      const n = fs.readSync(file, buffer, 0, CHUNK, null)
      if (n === 0) break
      unzip.write(Buffer.from(buffer.subarray(0, n)))
      yield* flush()
    }
    unzip.end()
    yield* flush()
  } finally {
    fs.closeSync(file)
    unzip.close()
  }
}
