// node bench/conv.mjs: conv2d forward and backward beside PyTorch in turn, A B A B, where python3 (or PYTHON) imports
// torch. One thread each; the median of each turn.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readArgs } from './lib/args.mjs'
import { ms } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'

const args = readArgs('node bench/conv.mjs', 'conv2d, forward and backward, beside PyTorch in turn', {
  rounds: { value: 'N', fallback: 3, help: 'how often each has its turn, default 3' },
  runs: { value: 'N', fallback: 15, help: 'runs of a turn, default 15' },
  turn: { help: 'one turn of ours, its time in milliseconds as the only output' },
})

const [BATCH, CHANNELS, SIZE, FILTERS] = [64, 32, 28, 64]

async function ours() {
  const { conv2d, grad, manualSeed, randn, setThreads, tidy } = await import('../dist/index.js')
  manualSeed(1)
  setThreads(1)
  const inputs = [[BATCH, CHANNELS, SIZE, SIZE], [FILTERS, CHANNELS, 3, 3], [FILTERS]].map((shape) =>
    randn(shape, { requiresGrad: true }),
  )
  const gradient = randn([BATCH, FILTERS, SIZE, SIZE])
  const run = () => tidy(() => void grad(conv2d(...inputs, { padding: 1 }), inputs, { gradient }))
  const times = []
  for (let i = 0; i < args.runs + 5; i++) {
    const start = performance.now()
    run()
    if (i >= 5) times.push(performance.now() - start)
  }
  return median(times)
}

const median = (xs) => [...xs].sort((a, b) => a - b)[xs.length >> 1]

const program = `
import time, torch
torch.set_num_threads(1)
x, w, b = (torch.randn(s, requires_grad=True) for s in ((${BATCH}, ${CHANNELS}, ${SIZE}, ${SIZE}), (${FILTERS}, ${CHANNELS}, 3, 3), (${FILTERS},)))
g = torch.randn(${BATCH}, ${FILTERS}, ${SIZE}, ${SIZE})
times = []
for i in range(${args.runs + 5}):
    start = time.perf_counter()
    torch.autograd.grad(torch.nn.functional.conv2d(x, w, b, padding=1), [x, w, b], g)
    times.append(time.perf_counter() - start)
print(1000 * sorted(times[5:])[${args.runs} // 2])
`

function turn(command, argv) {
  const { status, stdout, stderr } = spawnSync(command, argv, { encoding: 'utf8' })
  return status === 0 ? Number(stdout) : { failed: stderr?.trim().split('\n').at(-1) ?? 'not found' }
}

if (args.turn) console.log(await ours())
else {
  console.log(describe(machine()))
  console.log(
    `input ${BATCH}x${CHANNELS}x${SIZE}x${SIZE}, ${FILTERS} filters 3x3, one thread, forward + backward`,
  )
  const self = fileURLToPath(import.meta.url)
  const ratios = []
  for (let i = 0; i < args.rounds; i++) {
    const a = turn(process.execPath, [self, '--turn', '--runs', `${args.runs}`])
    const b = turn(process.env.PYTHON ?? 'python3', ['-c', program])
    if (typeof a !== 'number') throw new Error(a.failed)
    if (typeof b !== 'number') console.log(`ours ${ms(a)} ms; PyTorch: ${b.failed}`)
    else {
      ratios.push(a / b)
      console.log(`ours ${ms(a)} ms, PyTorch ${ms(b)} ms, ratio ${(a / b).toFixed(2)}`)
    }
  }
  if (ratios.length > 0) console.log(`ratio, median: ${median(ratios).toFixed(2)}`)
}
