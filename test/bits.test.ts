// The same bits on every machine: the training of browser/bits.mjs, on the build, against what it gave when it was written.
// `npm run check:bits` does the same on other versions of Node and in Chromium.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/bits.json'), 'utf8'))

it('200 steps under setDeterministic(true) end in the known weights and moments, on 1 and on 2 threads', () => {
  const script = join(import.meta.dirname, 'browser/bits-node.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script, '1', '2'], { encoding: 'utf8' })
  const results = JSON.parse(stdout || JSON.stringify(stderr))
  const renew =
    'where a strict kernel was changed on purpose, test/golden/bits.json gets what bits-node.mjs prints'
  // One worker for the training's build, and one more where whole numbers go with another.
  expect(results, renew).toEqual([
    { threads: 1, workers: 0, ...golden },
    { threads: 2, workers: expect.toBeOneOf([1, 2]), ...golden },
  ])
})
