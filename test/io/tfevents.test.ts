// TensorBoard's event files, byte for byte as its own Python writes them (test/golden/tfevents.py).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { crc32c, eventFileStart, eventRestart, eventScalars } from '../../src/formats/tfevents.js'

const golden = join(import.meta.dirname, '../golden/tfevents')
const facts: {
  start: number
  scalars: [wallTime: number, step: number, values: Record<string, number>][]
  restart: [wallTime: number, step: number]
} = JSON.parse(readFileSync(join(golden, 'events.json'), 'utf8'))

describe('event files', () => {
  it("are the bytes of TensorBoard's writer", () => {
    const ours = Buffer.concat([
      eventFileStart(facts.start),
      ...facts.scalars.map(([wallTime, step, values]) => eventScalars({ wallTime, step, values })),
      eventRestart(...facts.restart),
    ])
    expect(ours.equals(readFileSync(join(golden, 'events.out.tfevents.golden')))).toBe(true)
  })

  it('have the checksums of RFC 3720, appendix B.4', () => {
    expect(crc32c(new Uint8Array(32)).toString(16)).toBe('8a9136aa')
    expect(crc32c(new Uint8Array(32).fill(0xff)).toString(16)).toBe('62a8ab43')
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)).toString(16)).toBe('46dd794e')
  })

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuse step %s', (step) => {
    expect(() => eventScalars({ wallTime: 0, step, values: {} })).toThrow(RangeError)
  })
})
