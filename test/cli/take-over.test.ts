// --take-over: a training whose folder another machine holds goes on here, and that one, which was only stopped, notices and
// writes nothing more.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { LOCK } from '../../src/files/lock.js'
import { bytesOfRun } from '../resume/trials.js'
import { reviews } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-take-over-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const at = (name: string) => join(root, name)
const put = (name: string, text: string) => {
  writeFileSync(at(name), text)
  return at(name)
}

const program = new URL('../../dist/cli/bin.js', import.meta.url).pathname
/** Loaded before the program: another machine, as far as it can tell. */
const elsewhere = put(
  'elsewhere.mjs',
  `import os from 'node:os'
import { syncBuiltinESMExports } from 'node:module'
os.hostname = () => 'elsewhere'
syncBuiltinESMExports()
`,
)

interface Running {
  child: ChildProcess
  ended: Promise<{ code: number | null; err: string }>
}

function start(args: string[], before: string[] = []): Running {
  const child = spawn(process.execPath, [...before, program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let err = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = new Promise<{ code: number | null; err: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, err })),
  )
  return { child, ended }
}

/** As soon as the condition holds; the limit is for a test that is wrong. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 60_000 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(holds()).toBe(true)
}

const config = {
  ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 },
  ...{ intermediate_size: 24, max_position_embeddings: 32 },
}
const rows = reviews(60).map(([text, label], i) => `${text} ${i % 11}\t${label}`)
const args = [
  ...['train', '--model', put('model.json', JSON.stringify(config))],
  ...['--train', put('train.tsv', rows.join('\n')), '--dev', put('dev.tsv', rows.slice(0, 10).join('\n'))],
  ...['--epochs', '12', '--batch-size', '8', '--checkpoint-every', '3', '--keep-checkpoints'],
  ...['--threads', '1', '--quiet'],
]
const checkpoints = (name: string) => {
  const folder = join(at(name), 'checkpoints')
  return existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.json')) : []
}

it('ends in the bytes of a run left alone, and the one that lost the folder says so', async () => {
  const alone = await start([...args, '--out', at('alone')]).ended
  expect(alone.code, alone.err).toBe(0)

  const first = start([...args, '--out', at('moved')], ['--import', elsewhere])
  try {
    await until(() => checkpoints('moved').length > 0)
    first.child.kill('SIGSTOP')
    const lock = JSON.parse(readFileSync(join(at('moved'), LOCK), 'utf8'))
    expect(lock).toMatchObject({ pid: first.child.pid, host: 'elsewhere' })

    const refused = await start([...args, '--out', at('moved'), '--resume']).ended
    expect(refused.err).toContain(`is in use by process ${first.child.pid} on elsewhere`)
    expect(refused.err).toContain('--take-over')
    expect(refused.code).toBe(1)

    const second = await start([...args, '--out', at('moved'), '--resume', '--take-over']).ended
    expect(second.code, second.err).toBe(0)
    const record = readFileSync(join(at('moved'), 'run.json'), 'utf8')
    expect(JSON.parse(record).status).toBe('done')

    first.child.kill('SIGCONT')
    const { code, err } = await first.ended
    expect(err).toContain(`${at('moved')}: was taken over`)
    expect(err).toContain('Nothing more is written by this one')
    expect(code).toBe(1)
    expect(readFileSync(join(at('moved'), 'run.json'), 'utf8')).toBe(record)
    expect(bytesOfRun(at('moved'))).toEqual(bytesOfRun(at('alone')))
  } finally {
    first.child.kill('SIGKILL')
  }
})

it('leaves a process of the same machine its folder', async () => {
  const first = start([...args, '--out', at('kept')])
  try {
    await until(() => checkpoints('kept').length > 0)
    first.child.kill('SIGSTOP')
    const { code, err } = await start([...args, '--out', at('kept'), '--resume', '--take-over']).ended
    expect(err).toContain(`is in use by process ${first.child.pid}. Wait for it, stop it`)
    expect(code).toBe(1)
  } finally {
    first.child.kill('SIGKILL')
    await first.ended
  }
})
