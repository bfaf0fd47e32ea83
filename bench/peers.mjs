// npm run bench:peers: tinystill beside other engines on the same work, A B A B in one run, as ratios.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderTable } from '../dist/cli/shared/table.js'
import { duel, engine, hasTorch, node, torchPeers } from './duel.mjs'
import { installPeers } from './install-peers.mjs'
import { fail, readArgs } from './lib/args.mjs'
import { ms, plural, right } from './lib/format.mjs'
import { describe, machine } from './lib/machine.mjs'
import { stored, writeResults } from './lib/results.mjs'
import { layerWork, matmulWork, models, modelWork, threadCounts, VOCABULARY } from './shapes.mjs'

const folder = fileURLToPath(new URL('./peers', import.meta.url))
const [all, inference, layers] = [
  ['matmul', 'step', 'forward', 'int8', 'conv', 'lstm'],
  ['matmul', 'forward', 'int8'],
  ['conv', 'lstm'],
]
const floats = all.filter((work) => work !== 'int8')

const peer = (name, takes, ...args) => ({ name, takes, command: [process.execPath, ...args] })
/** oneThread: it has no more, so it is measured beside one thread of ours. */
const peers = [
  { ...peer('tfjs-wasm', floats, 'tfjs_peer.mjs', 'wasm'), oneThread: true },
  { ...peer('tfjs-cpu', floats, 'tfjs_peer.mjs', 'cpu'), oneThread: true },
  { ...peer('js-pytorch', ['matmul'], 'js_pytorch_peer.mjs'), oneThread: true },
  {
    ...peer(
      'jax-js',
      floats.filter((work) => !layers.includes(work)),
      'jax_peer.mjs',
    ),
    oneThread: true,
  },
  peer('onnxruntime-web', inference, 'onnx_peer.mjs', 'web'),
  peer('onnxruntime-node', inference, 'onnx_peer.mjs', 'node'),
  peer('transformers.js, wasm', ['forward', 'int8'], 'transformersjs_peer.mjs', 'wasm'),
  peer('transformers.js, native', ['forward', 'int8'], 'transformersjs_peer.mjs', 'native'),
  ...torchPeers.map((torch) => ({ ...torch, takes: all, needsTorch: true })),
]

const args = readArgs(
  'npm run bench:peers',
  'other engines on the same work: two matmuls, a BERT, a convolution and an LSTM',
  {
    model: {
      ...{ value: 'MODEL', choices: Object.keys(models), fallback: 'TinyBERT-4L-312' },
      help: 'whose training step and forward passes, default TinyBERT-4L-312',
    },
    only: { value: 'PEER', choices: peers.map((p) => p.name), help: 'one peer' },
    work: { value: 'WORK', choices: all, help: 'one kind of work' },
    rounds: { value: 'N', fallback: 3, help: 'how often each has its turn, default 3' },
    store: { help: 'writes bench/results/peers.json, from which the chart is drawn' },
    json: { value: 'FILE', help: 'writes the results there' },
  },
)

function writeModel(temporary) {
  const path = join(temporary, 'model')
  const { status, stderr } = spawnSync(
    node,
    [join(folder, 'onnx/write.mjs'), path, JSON.stringify(models[args.model])],
    { encoding: 'utf8' },
  )
  if (status !== 0) fail(`npm run bench:peers: the model for the peers was not written: ${stderr}`)
  return path
}

const columns = [
  ...[{ title: 'peer' }, right('threads'), right('tinystill, ms'), right('peer, ms')],
  ...['ratio', 'spread', 'peak MB, ours', "peer's"].map(right),
]

const cells = ({ peer, threads, ours, theirs, ratio }) => [
  ...[peer, String(threads), ms(ours.median), ms(theirs.median), ratio.toFixed(2)],
  `±${(100 * Math.hypot(ours.spread, theirs.spread)).toFixed(0)}%`,
  ...[String(ours.rssMB), String(theirs.rssMB)],
]

function measureWork({ title, ...work }, missing) {
  const rows = []
  for (const { name, takes, oneThread, needsTorch, ...command } of peers) {
    if (missing.has(name) || !takes.includes(work.what) || (args.only && args.only !== name)) continue
    for (const threads of oneThread ? [1] : threadCounts) {
      try {
        if (needsTorch && !hasTorch)
          throw new Error('python3, or what PYTHON names, does not import torch and transformers')
        const found = duel(command, { ...work, threads, vocabulary: VOCABULARY }, args.rounds)
        const { peer: theirs, ...rest } = found
        rows.push({ title, peer: name, threads, theirs, ...rest })
      } catch (error) {
        console.log(`${name}, ${title}, ${plural(threads, 'thread')}: not measured: ${error.message}`)
        if (needsTorch && !hasTorch) missing.add(name)
        break
      }
    }
  }
  if (rows.length > 0) console.log(`\n${title}\n${renderTable(columns, rows.map(cells))}\n`)
  return rows
}

installPeers()
const temporary = mkdtempSync(join(tmpdir(), 'tinystill-peers-'))
const missing = new Set()
const rows = []
try {
  console.log(describe(machine(engine())))
  console.log("ratio: our time by the peer's; below 1 we are faster\n")
  const path = writeModel(temporary)
  for (const work of [...matmulWork, ...modelWork(args.model), ...layerWork]) {
    if (args.work && args.work !== work.what) continue
    rows.push(...measureWork({ ...work, folder: path }, missing))
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
const wrong = rows.filter((row) => row.logitsDiffer > 1e-4)
if (wrong.length > 0) {
  const names = [...new Set(wrong.map((row) => row.peer))].join(', ')
  fail(`npm run bench:peers: the logits of ${names} differ from ours by more than 1e-4: not the same work`)
}
for (const file of [args.store && stored('peers.json'), args.json])
  if (file) writeResults(file, { model: args.model, rows }, engine())
