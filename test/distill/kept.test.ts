// A job that is cut off anywhere and given again ends with the weights of one that was not, and whatever its files hold besides a
// whole state of the same job counts for nothing.
import { beforeAll, describe, expect, it } from 'vitest'
import type { DistilJob, DistilResult } from '../../src/distill/worker/index.js'
import { identityOf, type KeptFile, keptIn, privateFolder } from '../../src/distill/worker/kept.js'
import { runDistillation, runKept } from '../../src/distill/worker/run.js'
import { sha256 } from '../../src/formats/sha256.js'
import { reviews } from '../cli/program.js'

const rows = reviews(64)
const labelled = { texts: rows.map(([text]) => text), labels: rows.map(([, label]) => label) }
const size = (layers: number, width: number) => ({
  ...{ layers, width, heads: 2, inner: 2 * width, maxLength: 32 },
})
const job: DistilJob = {
  ...{ labelled, dev: labelled, vocabSize: 150, seed: 3 },
  settings: { T: 2, alpha: 0.7, epochs: 2, lr: 0.005, stages: { alone: { lr: 0.005 } } },
  teacher: { size: size(2, 16), train: { epochs: 2, lr: 0.005 } },
  student: size(1, 16),
}

class Cut extends Error {}

/** Files of memory, of which the `limit`th write ends the run. */
class Memory {
  readonly files = new Map<string, Uint8Array>()
  writes = 0
  limit = Infinity

  open = async (training: string): Promise<KeptFile[]> =>
    [0, 1].map((i) => {
      const name = `${training}.${i}`
      return {
        read: () => this.files.get(name) ?? new Uint8Array(),
        write: (bytes) => {
          if (++this.writes > this.limit) {
            // As far as it came.
            this.files.set(name, bytes.slice(0, bytes.length / 2))
            throw new Cut()
          }
          this.files.set(name, bytes)
        },
      }
    })
}

const run = (memory: Memory, own = job) => runKept(own, {}, keptIn(memory.open, own, { steps: 1 })).result
const bytes = ({ teacher, student, alone }: DistilResult) =>
  [teacher, student, alone].map((one) => Array.from(sha256(one?.files['model.safetensors'] as Uint8Array)))

let whole: DistilResult
beforeAll(async () => {
  whole = await runDistillation(job).result
}, 120_000)

describe('a job with its state kept', () => {
  it('goes on wherever it was cut off', async () => {
    const memory = new Memory()
    await run(memory)
    const { writes } = memory
    expect(writes).toBeGreaterThan(12)
    const cutOff = new Memory()
    for (const next of [2, 3, 5, 7, 9]) {
      cutOff.limit = cutOff.writes + next
      await expect(run(cutOff)).rejects.toThrow(Cut)
    }
    cutOff.limit = Infinity
    expect(bytes(await run(cutOff))).toEqual(bytes(whole))
    expect(cutOff.writes).toBeLessThan(2 * writes)
  }, 120_000)

  it('has its models at once when it was over', async () => {
    const memory = new Memory()
    await run(memory)
    memory.writes = 0
    expect(bytes(await run(memory))).toEqual(bytes(whole))
    expect(memory.writes).toBe(0)
  }, 120_000)

  it('takes no state of another job, and none that is damaged', async () => {
    const memory = new Memory()
    await run(memory, { ...job, seed: 4 })
    for (const [name, file] of memory.files) {
      if (name.startsWith('student/')) memory.files.set(name, file.slice(0, 40))
      if (name.startsWith('alone/'))
        memory.files.set(
          name,
          Uint8Array.from({ length: 99 }, (_, i) => i),
        )
    }
    expect(bytes(await run(memory))).toEqual(bytes(whole))
  }, 120_000)

  it('is told by everything that decides on its weights', () => {
    const files = { 'config.json': Uint8Array.of(1), 'model.safetensors': Uint8Array.of(2) }
    const jobs: DistilJob[] = [
      ...[job, { ...job, seed: 4 }, { ...job, transfer: ['one'] }, { ...job, student: size(1, 32) }],
      ...[
        { ...job, teacher: { files } },
        { ...job, teacher: { files: { ...files, 'config.json': Uint8Array.of(3) } } },
      ],
    ]
    expect(new Set(jobs.map(identityOf)).size).toBe(jobs.length)
    expect(identityOf({ ...job })).toBe(identityOf(job))
  })

  it('says where there is no private file system', async () => {
    await expect(privateFolder('play').open('teacher')).rejects.toThrow(
      "keep: the state cannot be kept in 'play': there is no private file system here",
    )
  })
})
