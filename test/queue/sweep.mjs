// A sweep of 12 runs by way of the queue: two workers of which four are killed, the sweep and the store once each. Its table is
// that of the same sweep left alone on one machine.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './store.mjs'
import { parentOf, startCommand, startWorker, tinystill } from './world.mjs'

const KILLS = 4

function write(folder) {
  const put = (name, text) => writeFileSync(join(folder, name), text)
  const texts = readFileSync(join(folder, 'data.txt'), 'utf8').split('\n')
  const rows = texts.slice(0, 160).map((text, i) => `${text}\t${'xyz'[i % 3]}`)
  put('train.tsv', rows.slice(0, 64).join('\n'))
  put('held.tsv', rows.slice(64).join('\n'))
  const config = (heads) =>
    JSON.stringify({
      ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 1, num_attention_heads: heads },
      ...{ intermediate_size: 16, max_position_embeddings: 32 },
    })
  put('model.json', config(2))
  put('broken.json', config(3))
  put(
    'grid.yaml',
    `data: { train: train.tsv, test: held.tsv }
models: { teacher: bert, student: model.json }
distill: { recipe: hinton, teacher: teacher, student: student, train: train, test: test, epochs: 6, batch-size: 8, augment: 0, force: true, checkpoint-every: 3 }
seeds: 3
grid: { lr: [1e-2, 3e-3] }
settings: [{ name: softer, T: 4, lr: 3e-3 }, { name: broken, student: broken.json }]
baseline: lr=0.003
`,
  )
}

/** A run in the middle, and the process that has it. */
function inHand(runs) {
  const names = existsSync(runs) ? readdirSync(runs) : []
  for (const name of names.filter((name) => name.endsWith('.lock'))) {
    try {
      const { pid } = JSON.parse(readFileSync(join(runs, name), 'utf8'))
      const saved = readdirSync(join(runs, name.slice(0, -'.lock'.length), 'checkpoints'))
      if (saved.length > 0 && parentOf(pid) !== null) return pid
    } catch {
      // It has ended meanwhile, or has saved nothing.
    }
  }
  return null
}

export async function sweepByQueue({ folder, store, must }) {
  write(folder)
  const sweep = (out) => ['sweep', '--config', 'grid.yaml', '--out', out]
  const alone = tinystill(folder, store.url, ...sweep('sweep-alone'), '--threads', '1')
  must(alone.status === 1 && alone.stderr.includes('3 of 12 runs failed'), alone.said)

  const begin = () => startCommand(folder, store.url, [...sweep('sweep-queued'), '--queue'])
  const start = () => startWorker(folder, store.url, ['--lease', '2'])
  let waiting = begin()
  let workers = [start(), start()]
  const runs = join(folder, 'sweep-queued/runs')
  let killed = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const { pid, worker } = await until('a run in hand', () => {
      const pid = inHand(runs)
      const worker = pid === null ? undefined : workers.find((w) => w.pid === parentOf(pid))
      return worker && { pid, worker }
    })
    worker.child.kill('SIGKILL')
    await worker.ended
    killed++
    await until(`the end of ${pid}, whose worker was killed`, () => parentOf(pid) === null)
    workers = workers.map((w) => (w === worker ? start() : w))
    if (kill === 0) {
      // The sweep goes too, and comes again.
      waiting.child.kill('SIGKILL')
      await waiting.ended
      waiting = begin()
    } else if (kill === 1) {
      await until('two workers', () => {
        const { status, stdout } = tinystill(folder, store.url, 'queue', 'status', '--json')
        return status === 0 && JSON.parse(stdout).workers.length === 2
      })
      await store.kill()
      await until('a worker that says so', () =>
        workers.some((w) => w.said().includes('the queue does not answer')),
      )
      await store.start()
    }
  }
  const code = await waiting.ended
  must(code === 1 && waiting.said().includes('sweep: 3 of 12 runs failed: broken, seed 1: '), waiting.said())
  for (const worker of workers) worker.child.kill('SIGTERM')
  await Promise.all(workers.map(({ ended }) => ended))
  for (const file of ['results.json', 'report.html']) {
    const [own, other] = ['sweep-queued', 'sweep-alone'].map((out) =>
      readFileSync(join(folder, out, file), 'utf8').split('\n'),
    )
    const line = own.findIndex((text, i) => text !== other[i])
    must(line < 0, `${file} is another one than that of the sweep alone: ${own[line]} for ${other[line]}`)
    must(own.length === other.length, `${file} is shorter than that of the sweep alone`)
  }
  const left = readdirSync(runs).filter((name) => name.endsWith('.lock'))
  must(left.length === 0, `left: ${left}`)
  return `${killed} kills of workers, one of the sweep, one of the store: the table of the sweep alone, to the byte; 3 failed runs are rows`
}
