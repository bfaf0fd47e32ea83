// node bench/lstm.mjs: forward and backward of an LSTM of 128 units over 32 times x 64 rows x 128, beside PyTorch where
// python3 (or PYTHON) imports torch, A B A B, each in a process of its own. --profile says where the time goes.
import { spawnSync } from 'node:child_process'
import { readArgs } from './lib/args.mjs'
import { ms, plural } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { writeResults } from './lib/results.mjs'
import { summary } from './lib/stats.mjs'

const size = { T: 32, B: 64, I: 128, H: 128 }
const args = readArgs('node bench/lstm.mjs', 'an LSTM, forward and backward, beside PyTorch in turn', {
  profile: { help: 'only where the time goes, by kernel' },
  threads: { value: 'N', fallback: 1, help: 'default 1' },
  rounds: { value: 'N', fallback: 3, help: 'how often each has its turn, default 3' },
  json: { value: 'FILE', help: 'also writes the results there' },
  ours: { help: 'one turn of tinystill, as the comparison starts it' },
})

async function prepare() {
  const { manualSeed, nn, randn, setThreads, tidy } = await import('../dist/index.js')
  setThreads(args.threads)
  manualSeed(1)
  const layer = new nn.LSTM(size.I, size.H)
  const x = randn([size.T, size.B, size.I], { requiresGrad: true })
  const all = [x, ...layer.parameters()]
  return () => {
    tidy(() => {
      layer.forward(x)[0].sum().backward()
    })
    for (const p of all) p.grad = null
  }
}

/** Wall and processor time of each call: on a machine with other work only the second can be compared. */
async function ours() {
  const run = await prepare()
  for (const end = performance.now() + 1500; performance.now() < end; ) run()
  const [wall, cpu] = [[], []]
  for (const end = performance.now() + 1500; wall.length < 10 || performance.now() < end; ) {
    const [start, used] = [performance.now(), process.cpuUsage()]
    run()
    const { user, system } = process.cpuUsage(used)
    wall.push(performance.now() - start)
    cpu.push((user + system) / 1000)
  }
  console.log(JSON.stringify({ wall, cpu }))
  process.exit(0)
}

const peer = `
import json, time, torch
torch.set_num_threads(${args.threads})
layer = torch.nn.LSTM(${size.I}, ${size.H})
x = torch.randn(${size.T}, ${size.B}, ${size.I}, requires_grad=True)
def run():
    layer(x)[0].sum().backward()
    layer.zero_grad()
    x.grad = None
end = time.perf_counter() + 1.5
while time.perf_counter() < end: run()
wall, cpu = [], []
end = time.perf_counter() + 1.5
while len(wall) < 10 or time.perf_counter() < end:
    start, used = time.perf_counter(), time.process_time()
    run()
    wall.append((time.perf_counter() - start) * 1e3)
    cpu.append((time.process_time() - used) * 1e3)
print(json.dumps({"wall": wall, "cpu": cpu}))
`

function turn(program, list) {
  const { status, stdout } = spawnSync(program, list, { encoding: 'utf8' })
  return status === 0 ? JSON.parse(stdout.trim().split('\n').at(-1)) : null
}

function compare() {
  const seen = { tinystill: [], PyTorch: [] }
  for (let round = 0; round < args.rounds; round++) {
    seen.tinystill.push(
      turn(process.execPath, [import.meta.filename, '--ours', '--threads', String(args.threads)]),
    )
    seen.PyTorch.push(turn(process.env.PYTHON ?? 'python3', ['-c', peer]))
  }
  const of = (name, kind) => {
    const runs = seen[name].filter((run) => run !== null)
    return runs.length === 0 ? null : summary(runs.flatMap((run) => run[kind]))
  }
  return ['wall', 'cpu'].map((kind) => {
    const [mine, theirs] = [of('tinystill', kind), of('PyTorch', kind)]
    const beside = theirs
      ? `   PyTorch ${ms(theirs.median)} ms, ratio ${(mine.median / theirs.median).toFixed(2)}, of the least ${(mine.least / theirs.least).toFixed(2)}`
      : ''
    console.log(
      `LSTM, forward and backward, ${kind} time on ${plural(args.threads, 'thread')}: ${ms(mine.median)} ms${beside}`,
    )
    return { kind, tinystill: mine, PyTorch: theirs }
  })
}

if (args.ours) await ours()
console.log(describe(machine()))
if (args.profile) {
  const { profile, profileTable } = await import('./profile.mjs')
  console.log(profileTable(profile(await prepare())))
} else {
  const results = compare()
  if (args.json) writeResults(args.json, results)
}
