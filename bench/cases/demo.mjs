// The main job from start to exit, as a user runs it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url))

function demo() {
  const out = mkdtempSync(join(tmpdir(), 'tinystill-bench-'))
  try {
    const { status, stderr } = spawnSync(
      process.execPath,
      [bin, 'demo', '--quick', '--quiet', '--out', out],
      {
        encoding: 'utf8',
      },
    )
    if (status !== 0) throw new Error(`tinystill demo --quick failed: ${stderr}`)
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

export const demoCases = [
  { name: 'tinystill demo --quick', group: 'demo', heavy: true, threads: 'all', setup: () => demo },
]
