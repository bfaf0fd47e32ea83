// Runs of the program that are killed and gone on with, beside the same runs left alone.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reviews } from '../cli/program.js'

const program = new URL('../../dist/cli/bin.js', import.meta.url).pathname
const killer = new URL('./killer.mjs', import.meta.url).href

export interface Ended {
  code: number | null
  signal: string | null
  err: string
  ms: number
}

export interface How {
  env?: Record<string, string>
  /** Killed after so many milliseconds. */
  after?: number | null
  /** A signal as soon as this file holds something. */
  stop?: { signal: NodeJS.Signals; when: string } | null
}

/** One process. */
export function start(
  args: readonly string[],
  { env = {}, after = null, stop = null }: How = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn(process.execPath, ['--import', killer, program, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    const timer = after === null ? null : setTimeout(() => child.kill('SIGKILL'), after)
    const looking = setInterval(() => {
      if (stop === null || !((statSync(stop.when, { throwIfNoEntry: false })?.size ?? 0) > 0)) return
      clearInterval(looking)
      child.kill(stop.signal)
    }, 5)
    child.on('error', reject).on('close', (code, signal) => {
      if (timer) clearTimeout(timer)
      clearInterval(looking)
      resolve({ code, signal, err, ms: performance.now() - began })
    })
  })
}

const model = (layers: number) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: layers, num_attention_heads: 2 },
    ...{ intermediate_size: 24, max_position_embeddings: 32, hidden_dropout_prob: 0.2 },
  })

const rows = (n: number) => reviews(n).map(([text, label], i) => `${text} ${i % 13}\t${label}`)

/** Data, teachers, and the command lines to be killed: dropout everywhere, two batches a step, a checkpoint every 3 batches. */
export async function prepare(): Promise<{ root: string; commands: Record<string, string[]> }> {
  const root = mkdtempSync(join(tmpdir(), 'tinystill-resume-'))
  const put = (name: string, text: string) => {
    writeFileSync(join(root, name), text)
    return join(root, name)
  }
  const train = put('train.tsv', `text\tlabel\n${rows(84).join('\n')}\n`)
  const dev = put('dev.tsv', `text\tlabel\n${rows(30).join('\n')}\n`)
  const plain = put(
    'plain.txt',
    `${reviews(60)
      .map(([text], i) => `${text} ${i % 17}`)
      .join('\n')}\n`,
  )
  const [two, four] = [put('two.json', model(2)), put('four.json', model(4))]
  const teacher = join(root, 'teacher')
  const words = join(root, 'words')
  const quick = ['--threads', '1', '--quiet']
  const made = [
    await start(['train', '--model', four, '--train', train, '--epochs', '1', '--out', teacher, ...quick]),
    await start([
      ...['train', '--task', 'mlm', '--model', four, '--train', plain, '--epochs', '1', '--out', words],
      ...['--tokenizer', teacher, ...quick],
    ]),
  ]
  for (const { code, err } of made) if (code !== 0) throw new Error(`no teacher: ${err}`)
  const config = put('plan.json', JSON.stringify({ epochs: 2, batchSize: 12, accumulate: 2, lr: 1e-3 }))
  const dropping = put(
    'dropping.json',
    JSON.stringify({
      ...{ epochs: 2, batchSize: 12, accumulate: 2, lr: 1e-3 },
      stages: { intermediate: { teacherDropout: true } },
    }),
  )
  const save = ['--checkpoint-every', '3', '--keep-checkpoints', ...quick]
  const data = ['--train', train, '--dev', dev, '--config', config, ...save]
  const distill = (recipe: string, ...more: string[]) => [
    // The teacher of one epoch knows next to nothing.
    ...['distill', '--recipe', recipe, '--teacher', teacher, '--force', '--augment', '0', ...data, ...more],
  ]
  const prune = (method: string, ...more: string[]) => [
    ...['prune', '--model', teacher, '--method', method, '--train', train, '--dev', dev, '--force'],
    ...['--epochs', '3', '--batch-size', '12', '--lr', '1e-3', ...save, ...more],
  ]
  return {
    root,
    commands: {
      hinton: distill('hinton', '--student', two, '--baseline', '--seeds', '2', '--augment', '30'),
      distilbert: distill('distilbert', '--general-teacher', words, '--transfer', plain),
      // Three stages, of which the second takes over the first one's projection; and a teacher that drops out.
      tinybert: distill('tinybert', '--student', two, '--transfer', plain, '--config', dropping),
      minilm: distill('minilm', '--student', two),
      minilm2: distill('minilm2', '--student', two),
      'born-again': distill('born-again', '--seeds', '2'),
      annealing: distill('annealing', '--from-layers', '0,2'),
      'multi-teacher': distill('multi-teacher', '--student', two, '--teacher', teacher, teacher),
      // Averages in buffers; learned steps; weights that are split in the middle.
      q8bert: distill('q8bert'),
      lsq: distill('lsq', '--from-layers', '0,2'),
      binarybert: distill('binarybert'),
      // Scores; masks that weights make and never leave; rounds that begin with the first weights again.
      movement: prune('movement', '--teacher', teacher, '--sparsity', '0.7'),
      magnitude: prune('magnitude', '--pattern', '4x1', '--sparsity', '0.6', '--seeds', '2'),
      lottery: prune('lottery', '--rounds', '2', '--sparsity', '0.6', '--epochs', '1'),
      mlm: [
        ...['train', '--task', 'mlm', '--model', two, '--train', plain, '--dev', plain, '--epochs', '2'],
        ...['--batch-size', '8', '--accumulate', '2', '--eval-every', '4', ...save],
      ],
    },
  }
}

/** The hash of every file that a run must make again to the byte. */
export function bytesOfRun(folder: string): Record<string, string> {
  const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  const checkpoints = readdirSync(join(folder, 'checkpoints')).filter((name) => name.endsWith('.safetensors'))
  const names = [
    'model.safetensors',
    'metrics.jsonl',
    ...checkpoints.map((name) => join('checkpoints', name)),
  ]
  return Object.fromEntries(names.sort().map((name) => [name, hash(join(folder, name))]))
}

/** A run left alone: its bytes, its calls to the file system and its time. */
export async function reference(root: string, name: string, args: readonly string[]) {
  const out = join(root, `${name}-alone`)
  const count = join(root, `${name}.count`)
  const { code, err, ms } = await start([...args, '--out', out], { env: { KILL_COUNT: count } })
  if (code !== 0) throw new Error(`${name}: ${err}`)
  return { bytes: bytesOfRun(out), calls: Number(readFileSync(count, 'utf8')), ms }
}

/** Numbers in [0, 1) of a trial, always the same. */
function* numbers(trial: number): Generator<number> {
  for (let x = (trial + 1) * 2654435761; ; ) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    yield x / 2 ** 32
  }
}

/** Kills a run one to three times, at a call or at a moment, then lets it end. Gives its bytes and how often it was killed. */
export async function trial(
  root: string,
  name: string,
  args: readonly string[],
  known: { calls: number; ms: number },
  number: number,
): Promise<{ bytes: Record<string, string>; kills: number; err: string }> {
  const out = join(root, `${name}-${number}`)
  const draw = numbers(number)
  const next = () => draw.next().value as number
  let kills = 0
  let err = ''
  const times = 1 + Math.floor(3 * next())
  for (let i = 0; i < times; i++) {
    const again = i === 0 ? [] : ['--resume']
    const how =
      next() < 0.6
        ? { env: { KILL_AT: String(1 + Math.floor(known.calls * next())) } }
        : { after: known.ms * next() }
    const { signal } = await start([...args, '--out', out, ...again], how)
    if (signal === 'SIGKILL') kills++
  }
  const last = await start([...args, '--out', out, '--resume'])
  err = last.err
  const bytes = last.code === 0 ? bytesOfRun(out) : {}
  rmSync(out, { recursive: true, force: true })
  return { bytes, kills, err }
}
