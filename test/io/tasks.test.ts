// What a head means by its config.json, and what predict makes of it, against Python's pipeline.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadClassifier } from '../../src/files/models/on-disk.js'
import { run } from '../cli/program.js'

interface Case {
  name: string
  weights: string
  config: Record<string, unknown>
  scores: number[][]
}

const golden = new URL('../golden/tasks/', import.meta.url)
const { texts, cases }: { texts: string[]; cases: Case[] } = JSON.parse(
  readFileSync(new URL('cases.json', golden), 'utf8'),
)
const top = mkdtempSync(join(tmpdir(), 'tinystill-tasks-'))
afterAll(() => rmSync(top, { recursive: true }))

function folderOf({ name, weights, config }: Omit<Case, 'scores'>): string {
  const folder = join(top, name)
  mkdirSync(folder, { recursive: true })
  copyFileSync(new URL(`${weights}.safetensors`, golden), join(folder, 'model.safetensors'))
  copyFileSync(new URL('vocab.txt', golden), join(folder, 'vocab.txt'))
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  return folder
}

interface Item {
  text: string
  value?: number
  values?: Record<string, number>
  label?: string
  labels?: string[]
  probabilities?: Record<string, number>
}

const answered = async (folder: string) => {
  const { out, err } = await run('predict', '--model', folder, '--text', ...texts, '--jsonl')
  const items: Item[] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return { items, err }
}

describe('predict', () => {
  it.each(cases.map((c) => [c.name, c] as const))("answers %s as Python's pipeline", async (_, c) => {
    const { items } = await answered(folderOf(c))
    // Probabilities to 1e-6; what float32 makes of numbers goes with their size.
    const largest = Math.max(1, ...c.scores.flat().map(Math.abs))
    expect(items.map(({ text }) => text)).toEqual(texts)
    items.forEach(({ value, values, probabilities }, i) => {
      const all = probabilities ?? values ?? { only: value as number }
      if (c.scores[i].length === 1) expect(value).toBeCloseTo(c.scores[i][0], 6)
      Object.values(all).forEach((score, k) => {
        expect(Math.abs(score - c.scores[i][k]) / largest).toBeLessThan(1e-6)
      })
      expect(Object.values(all)).toHaveLength(c.scores[i].length)
    })
  })

  it('gives all classes whose probability is a half or more, and in plain text too', async () => {
    const multi = cases.find(({ name }) => name === 'multi') as Case
    const folder = folderOf(multi)
    const names = Object.values(multi.config.id2label as Record<string, string>)
    const wanted = multi.scores.map((scores) => names.filter((_, c) => scores[c] >= 0.5))
    expect(new Set(wanted.map((w) => w.length)).size).toBeGreaterThan(1)
    expect((await answered(folder)).items.map(({ labels }) => labels)).toEqual(wanted)
    const { out } = await run('predict', '--model', folder, '--text', ...texts)
    const lines = out.trim().split('\n')
    lines.forEach((line, i) => {
      expect(line.split(': ')[0]).toBe(wanted[i].join(', ') || 'none')
      for (const name of names) expect(line).toMatch(RegExp(`${name} [\\d.]+%`))
    })
  })

  it('says where config.json does not tell what a value means', async () => {
    const told = async (name: string) =>
      (await answered(folderOf(cases.find((c) => c.name === name) as Case))).err
    expect(await told('one')).toMatch(/^note: config.json does not say what its one value means: .*sigmoid/)
    for (const name of ['one-number', 'one-multi', 'cross-encoder', 'multi'])
      expect(await told(name)).toBe('')
  })

  it('refuses a function that it does not know, and takes no field for one that is none', () => {
    const [{ weights, config }] = cases.filter(({ name }) => name === 'one')
    const loaded = (more: object, name = 'odd') =>
      loadClassifier(folderOf({ name, weights, config: { ...config, ...more } }))
    const fields = [
      { sbert_ce_default_activation_function: 'torch.nn.modules.activation.Tanh' },
      { sentence_transformers: { activation_fn: 'torch.nn.modules.activation.Tanh' } },
    ]
    for (const more of fields)
      expect(() => loaded(more)).toThrow(
        /odd.config.json: names the activation "Tanh" for its answers, Sigmoid, Identity and Softmax are known/,
      )
    for (const more of [
      { sentence_transformers: { version: '5' } },
      { sentence_transformers: null },
      { sentence_transformers: ['Tanh'] },
      { sbert_ce_default_activation_function: null },
    ])
      expect(loaded(more).problemType).toBe('multi_label_classification')
  })
})
