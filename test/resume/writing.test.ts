// Kills in the middle of saving a checkpoint: what is loaded afterwards is whole, and nothing that was safe is lost.
// TINYSTILL_WRITE_KILLS of them (npm run check:resume: 1,000).
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import '../../src/index.js'
import { CheckpointFolder } from '../../src/files/checkpoint-folder.js'
import { floats } from '../../src/tensor/tensor.js'

const KILLS = Number(process.env.TINYSTILL_WRITE_KILLS ?? 30)
const root = mkdtempSync(join(tmpdir(), 'tinystill-writing-'))
afterAll(() => rmSync(root, { recursive: true }))
const killer = new URL('./killer.mjs', import.meta.url).href
const writer = new URL('./writer.mjs', import.meta.url).pathname

/** One writer, killed at a call to the file system. The last step that it called safe; null: none. */
function write(first: number, at: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', killer, writer, root, String(first)], {
      env: { ...process.env, KILL_AT: String(at) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (text) => (out += text))
    child.on('error', reject).on('close', (_, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`ended by ${signal}`))
      const steps = out.split('\n').slice(0, -1)
      resolve(steps.length > 0 ? Number(steps[steps.length - 1]) : null)
    })
  })
}

it(`no torn checkpoint is believed after ${KILLS} kills`, { timeout: 3600_000 }, async () => {
  let safe = 0
  for (let i = 0; i < KILLS; i++) {
    // A save is some 20 calls.
    safe = (await write(safe + 1, 1 + ((i * 13) % 59))) ?? safe
    const warnings: string[] = []
    const state = new CheckpointFolder(root).newest((line) => warnings.push(line))
    expect(warnings, `kill ${i}`).toEqual([])
    if (state === null) {
      expect(safe).toBe(0)
      continue
    }
    expect(state.step).toBeGreaterThanOrEqual(safe)
    const numbers = floats(state.tensors.get('numbers')!)
    expect(numbers.every((x, k) => x === Math.fround(state.step * k))).toBe(true)
    safe = state.step
    for (const t of state.tensors.values()) t.dispose()
  }
  console.log(`${KILLS} kills, ${safe} checkpoints saved`)
  expect(safe).toBeGreaterThan(KILLS / 3)
})
