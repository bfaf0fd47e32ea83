// What saving the state of a training costs: weights, moments and best weights of a model, as a share of the time between two
// checkpoints. Elapsed time, because most of it is the disk's.
// usage: npm run bench:checkpoint
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CheckpointFolder } from '../dist/files/checkpoint-folder.js'
import { optim } from '../dist/index.js'
import { captureTensors } from '../dist/train/fit-state.js'
import { Keeper } from '../dist/train/keeper.js'
import { median } from './lib/stats.mjs'
import { build } from './model.mjs'
import { models } from './shapes.mjs'

/** What --checkpoint-every is by default. */
const INTERVAL_MS = 300_000
const ROUNDS = 5

for (const [name, shape] of Object.entries(models)) {
  const model = build(shape)
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-4 })
  const keeper = new Keeper(model, {})
  keeper.add(1, 1, { accuracy: 1 })
  const root = mkdtempSync(join(tmpdir(), 'tinystill-bench-'))
  try {
    const folder = new CheckpointFolder(join(root, 'checkpoints'))
    let bytes = 0
    const times = Array.from({ length: ROUNDS }, (_, i) => {
      const began = performance.now()
      bytes = folder.save(i, captureTensors(model, optimizer, keeper), { step: i })
      return performance.now() - began
    })
    const ms = median(times)
    console.log(
      `${name}: ${(bytes / 1e6).toFixed(0)} MB in ${(ms / 1000).toFixed(2)} s (median of ${ROUNDS}), ${((100 * ms) / INTERVAL_MS).toFixed(2)}% of 5 minutes`,
    )
  } finally {
    rmSync(root, { recursive: true, force: true })
    keeper.dispose()
    optimizer.dispose()
  }
}
