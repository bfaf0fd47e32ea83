// The command line as a process sees it: exit codes, one clear line, JSON alone on standard output.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { randomScope } from '../../src/autograd/random.js'
import { judgeDemo } from '../../src/cli/demo/report.js'
import { main } from '../../src/cli/main.js'
import { saveTextModel } from '../../src/files/models/on-disk.js'
import { TextClassifier } from '../../src/nn/models/classifier.js'
import { keyOf } from '../../src/tensor/rng.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'
import { VERSION } from '../../src/version.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function run(args: string[], input: string[] = []) {
  const out: string[] = []
  const err: string[] = []
  async function* lines() {
    yield* input
  }
  const code = await main(args, {
    stdout: { write: (s) => void out.push(s) },
    stderr: { write: (s) => void err.push(s) },
    lines,
    now: () => 0,
  })
  return { code, out: out.join(''), err: err.join('') }
}

const model = join(folder, 'model')
const tokenizer = WordTokenizer.build(['a large grey animal', 'a small red fruit'])
saveTextModel(model, {
  model: randomScope(
    keyOf(1),
    () =>
      new TextClassifier({
        vocabSize: tokenizer.size,
        classes: 2,
        width: 4,
        layers: 1,
        heads: 1,
        maxLength: 8,
        padId: 0,
      }),
  ),
  tokenizer,
  classes: ['animal', 'food'],
})

describe('tinystill', () => {
  it('has the version of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(VERSION).toBe(version)
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  it.each([
    [[], 'Usage: tinystill'],
    [['distil'], "error: unknown command 'distil'"],
    [['demo', '--fast'], "error: unknown option '--fast'"],
    [
      ['demo', '--seeds', '0'],
      "option '--seeds <n>' argument '0' is invalid. It must be a whole number, 1 to 100.",
    ],
    [['demo', '--seed', 'x'], 'It must be a whole number, 0 or more.'],
    [['predict', '--text', 'a'], "error: required option '--model <dir>' not specified"],
    [['doctor', '--threads', '1000'], 'It must be a whole number, 1 to 64.'],
    [['demo', '--quick', '--full'], "error: option '--quick' cannot be used with option '--full'"],
    [['doctor', '--backend', 'cuda'], "error: option '--backend <name>' argument 'cuda' is invalid"],
  ])('wrong usage %j exits with 2', async (args, text) => {
    const { code, out, err } = await run(args)
    expect(err).toContain(text)
    expect([code, out]).toEqual([2, ''])
  })

  it('help exits with 0', async () => {
    const { code, out } = await run(['demo', '--help'])
    expect(code).toBe(0)
    for (const option of ['--quick', '--full', '--seeds', '--json', '--out', '--seed', '--quiet'])
      expect(out).toContain(option)
  })

  it('a missing model is one line and exit 1, with a stack on --debug', async () => {
    const missing = join(folder, 'nothing')
    const { code, out, err } = await run(['predict', '--model', missing, '--text', 'a'])
    expect([code, out]).toEqual([1, ''])
    expect(err).toBe(`tinystill: ${missing}: cannot be read: no such file or folder. Check the path\n`)
    expect((await run(['predict', '--model', missing, '--text', 'a', '--debug'])).err).toContain('\n    at ')
  })

  it('predicts texts from options and from standard input alike', async () => {
    const texts = ['a large grey animal', 'x'.repeat(100)]
    const given = await run(['predict', '--model', model, '--json', '--text', ...texts])
    const piped = await run(['predict', '--model', model, '--json'], texts)
    expect(given.code).toBe(0)
    expect(piped.out).toBe(given.out)
    const { predictions } = JSON.parse(given.out)
    expect(predictions.length).toBe(2)
    expect(predictions[0].probabilities.animal + predictions[0].probabilities.food).toBeCloseTo(1, 6)
    expect((await run(['predict', '--model', model])).err).toContain('standard input: no text to classify')
  })

  it('escapes what could move the cursor', async () => {
    const { out } = await run(['predict', '--model', model, '--text', 'a\u001b[2Jb\nc'])
    expect(out).toContain('a\\x1b[2Jb')
    expect(out).not.toContain('\u001b')
  })

  it('refuses an output folder that cannot be made, before any work', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'kept')
    const { code, err } = await run(['demo', '--quick', '--out', join(file, 'demo')])
    expect(code).toBe(1)
    expect(err.split('\n').length).toBe(2)
    expect(err).toContain('the folder cannot be made: ')
    expect(readFileSync(file, 'utf8')).toBe('kept')
  })

  it('doctor tells the backend as JSON', async () => {
    const { out, code } = await run(['doctor', '--json'])
    expect(code).toBe(0)
    const report = JSON.parse(out)
    expect(report.tinystill).toBe(VERSION)
    expect(['js', 'wasm']).toContain(report.kernels.matmul)
  })
})

describe('the verdict', () => {
  const runs = (gains: number[]) =>
    gains.map((gain) => ({ distilled: figures(0.5 + gain), alone: figures(0.5) }))
  const figures = (accuracy: number) => ({
    ...{ accuracy, f1: 0, loss: 0, params: 0, bytes: 0, seconds: 0 },
    ...{ msPerExample: 0, msSpread: 0, examplesPerSecond: 0, examplesSpread: 0, speedRounds: 0 },
    right: Uint8Array.from({ length: 1000 }, (_, r) => (r < Math.round(accuracy * 1000) ? 1 : 0)),
  })
  const told = (gains: number[]) => judgeDemo(runs(gains)).text

  it("is that of distill, over seeds and the test's definitions", () => {
    expect(told([0.02])).toBe(
      'The distilled student is 2.00 points above the lone one over 1 seed and 1,000 rows; larger than chance: unknown, one seed does not tell how far seeds scatter; --seeds 3 or more do.',
    )
    expect(told([0.06, 0.061, 0.059])).toMatch(
      /^The distilled student is 6.00 points above the lone one over 3 seeds and 1,000 rows \(95% interval \+4.52 to \+7.48, spread 0.10\); larger than chance: yes. Intervals: over seeds and test rows/,
    )
    expect(told([0.02, -0.03, 0.019])).toMatch(
      /larger than chance: not shown, which .* no number of seeds .* on 1,000 rows, it takes more than 5,770 rows/,
    )
  })
})
