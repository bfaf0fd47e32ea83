// 1,000 random dictionaries written and read back: names, shapes, dtypes, bits and metadata, on disk the same.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { writeAtomic } from '../../src/files/disk.js'
import { readCheckpoint } from '../../src/files/models/on-disk.js'
import { bytesOf } from '../../src/formats/safetensors/dtypes.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { DType } from '../../src/tensor/storage.js'

const awkward = [
  '__proto__',
  'constructor',
  '',
  'toString',
  'hasOwnProperty',
  '1',
  '-1',
  'a b',
  '\u0000',
  'é',
  '日本',
  '😀',
]
// Half of a surrogate pair has no UTF-8; that it is refused is tested elsewhere.
const anyText = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/\p{Cs}/u.test(text))
const text = fc.oneof(
  { weight: 3, arbitrary: anyText },
  { weight: 1, arbitrary: fc.constantFrom(...awkward) },
)
const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array }

const entry = fc.record({
  name: text.filter((name) => name !== '__metadata__'),
  dtype: fc.constantFrom<DType>('float32', 'float64', 'int32'),
  shape: fc.array(fc.nat(4), { maxLength: 4 }),
  /** Any bits: NaN payloads, infinities, subnormals. */
  seed: fc.uint8Array({ minLength: 8, maxLength: 64 }),
})

function make({ dtype, shape, seed }: { dtype: DType; shape: number[]; seed: Uint8Array }) {
  const data = new arrays[dtype](shape.reduce((a, b) => a * b, 1))
  const bytes = bytesOf(data)
  for (let i = 0; i < bytes.length; i++) bytes[i] = seed[i % seed.length] ^ (i >> 3)
  return tensor(data, { shape, dtype })
}

it('1,000 dictionaries come back byte for byte', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tinystill-roundtrip-'))
  const path = join(folder, 'model.safetensors')
  let run = 0
  try {
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: (e) => e.name, maxLength: 8 }),
        fc.uniqueArray(fc.tuple(text, anyText), { selector: ([key]) => key, maxLength: 4 }),
        (entries, metadata) => {
          const given = entries.map((e) => [e.name, make(e)] as const)
          const file = writeSafetensors(given, { metadata })
          const read = readSafetensors(file)
          expect([...read.metadata]).toEqual(metadata)
          expect(read.tensors.size).toBe(given.length)
          for (const [name, t] of given) {
            const back = read.tensors.get(name)!
            expect([back.dtype, back.shape]).toEqual([t.dtype, t.shape])
            expect(Buffer.compare(bytesOf(back.data), bytesOf(t.data))).toBe(0)
          }
          expect(Buffer.compare(writeSafetensors(read.tensors, { metadata: read.metadata }), file)).toBe(0)
          // The disk is slow: a tenth of them.
          if (run++ % 10 > 0) return
          writeAtomic(path, file)
          expect(Buffer.compare(writeSafetensors(readCheckpoint(path).tensors, { metadata }), file)).toBe(0)
        },
      ),
      { numRuns: 1000, seed: 6 },
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
