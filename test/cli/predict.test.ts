// predict as a filter: answers as they come, JSON in pieces, and a reader that goes away.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.js'
import { saveTinyModel } from './model.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-predict-'))
afterAll(() => rmSync(folder, { recursive: true }))
const model = join(folder, 'model')
saveTinyModel(model)

const LINES = 1000

async function run(args: string[]) {
  let out = ''
  let err = ''
  /** Lines asked for, answers given and waits, in their order. */
  const log: string[] = []
  let asked = 0
  async function* lines() {
    for (; asked < LINES; asked++) yield `line ${asked} \u{1f600} "`
  }
  const code = await main(['predict', '--model', model, ...args], {
    stdout: {
      write: (s) => {
        out += s
      },
      drained: async () => void log.push(`${asked} asked, ${out.length > 0}`),
    },
    stderr: {
      write: (s) => {
        err += s
      },
    },
    lines,
    now: () => 0,
  })
  return { code, out, err, log }
}

describe('predict', () => {
  it('answers while it reads, and waits for its reader', async () => {
    const { code, out, log } = await run([])
    expect(code).toBe(0)
    expect(out.trimEnd().split('\n').length).toBe(LINES)
    expect(log).toEqual(['255 asked, true', '511 asked, true', '767 asked, true', '1000 asked, true'])
  })

  it('writes one JSON document in pieces, as if at once', async () => {
    const { out } = await run(['--json'])
    const document = JSON.parse(out)
    expect(document.predictions.length).toBe(LINES)
    expect(document.predictions[999].text).toBe('line 999 \u{1f600} "')
    expect(out).toBe(`${JSON.stringify(document, null, 2)}\n`)
  })

  it('writes a line of JSON a text with --jsonl', async () => {
    const { out, err } = await run(['--jsonl'])
    const items = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(items).toEqual(JSON.parse((await run(['--json'])).out).predictions)
    // Not one of these words is in its vocabulary: said once.
    expect(err).toMatch(
      /^warning: 100% of the tokens of the first texts are unknown to the tokenizer of [^\n]*\n$/,
    )
    expect((await run(['--json', '--jsonl'])).code).toBe(2)
  })
})

/** The built program: its exit code and what it says, when `stop` closes its output after some bytes. */
async function program(args: string[], input: () => string | null, stop: number) {
  const bin = join(import.meta.dirname, '../../dist/cli/bin.js')
  const child = spawn(process.execPath, [bin, 'predict', '--model', model, ...args])
  let err = ''
  let read = 0
  child.stderr.on('data', (data) => {
    err += data
  })
  child.stdin.on('error', () => {})
  child.stdout.on('data', (data) => {
    read += data.length
    if (read > stop) child.stdout.destroy()
  })
  const feed = () => {
    for (let text = input(); text !== null; text = input()) if (!child.stdin.write(text)) return
    child.stdin.end()
  }
  child.stdin.on('drain', feed)
  feed()
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, err, read }
}

describe('the program', () => {
  it.each([[[]], [['--jsonl']], [['--json', '--quiet']]])(
    'stops politely when its reader goes away, with %j',
    async (args) => {
      // Without an end: it stops, or this never does.
      const { code, err } = await program(args, () => 'a large grey animal\n', 5000)
      expect(code).toBe(0)
      expect(err).not.toContain('    at ')
      if (!args.includes('--json')) expect(err).toBe('')
    },
  )

  it('says which line it cannot read', async () => {
    let sent = false
    const once = () => {
      if (sent) return null
      sent = true
      return `a\n${'x'.repeat(2 ** 20 + 1)}`
    }
    const { code, err } = await program([], once, Infinity)
    expect([code, err]).toEqual([
      1,
      'tinystill: standard input:2: the line has more than 1048576 bytes. Is this text with one row a line?\n',
    ])
  })
})
