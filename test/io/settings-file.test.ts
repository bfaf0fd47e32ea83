// Settings of --config: what JSON and YAML give, and what YAML has that would run out of time or stack, or look like nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { withConfig } from '../../src/distill/plan/config.js'
import { recipes } from '../../src/distill/recipes/index.js'
import { readSettings } from '../../src/files/settings-file.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))
function read(name: string, content: string): Record<string, unknown> {
  const path = join(folder, name)
  writeFileSync(path, content)
  return readSettings(path)
}

it('reads both', () => {
  const wanted = { T: 2, stages: { distil: { lr: 1e-4, layerMap: [[1, 2]] } } }
  expect(read('a.json', JSON.stringify(wanted))).toEqual(wanted)
  expect(read('a.yaml', 'T: 2\nstages:\n  distil: {lr: 1e-4, layerMap: [[1, 2]]}\n')).toEqual(wanted)
  expect(read('a.yaml', 'x: &a [1]\ny: *a\n')).toEqual({ x: [1], y: [1] })
})

const bomb = Array.from(
  { length: 9 },
  (_, i) => `x${i}: &x${i} [${i === 0 ? 1 : Array(9).fill(`*x${i - 1}`)}]`,
)

it.each([
  ['a.json', '{"T":1,"T":2}', 'a.json: names "T" twice in one object'],
  ['a.json', '{"T":\n\u001b}', 'a.json: is not JSON: Unexpected token'],
  ['a.yaml', 'T: 1\nT: 2\n', 'a.yaml:2: Map keys must be unique'],
  ['a.yaml', `T: 2\nx:\n  ${'? '.repeat(40)}1`, 'a.yaml: holds a name that is no text'],
  ['a.yaml', `T: 2\nx:\n  ${'? '.repeat(500)}1`, 'a.yaml: nests deeper than 64'],
  ['a.yaml', `x: ${'['.repeat(5000)}${']'.repeat(5000)}`, 'a.yaml: nests deeper than 64'],
  ['a.yaml', `x: ${'{a: '.repeat(70)}1${'}'.repeat(70)}`, 'a.yaml: nests deeper than 64'],
  ['a.yaml', `x:\n  ${'- '.repeat(5000)}1`, 'a.yaml: nests deeper than 64'],
  ['a.yaml', '{a: 1}: 2\n', 'a.yaml: holds a name that is no text'],
  ['a.yaml', 'T: *nothing\n', 'a.yaml'],
  ['a.yaml', `${bomb.join('\n')}\n`, 'a.yaml: Excessive alias count'],
  ['a.yaml', '%YAML 1.1\n---\nT: 2020-01-01\n', 'a.yaml: holds what JSON has not'],
  ['a.yaml', '%YAML 1.1\n---\n!!omap [T: 1]\n', 'a.yaml: must hold one object'],
  ['a.yaml', '%YAML 1.1\n---\n!!set {T}\n', 'a.yaml: must hold one object'],
  ['a.yaml', `T: ${' '.repeat(2 ** 15)}1`, 'at most 32768 are read here'],
])('%s %.50j is refused', (name, content, text) => {
  let message = ''
  try {
    read(name, content)
  } catch (error) {
    expect((error as Error).name).toMatch(/^(Checkpoint|Data)Error$/)
    message = (error as Error).message
  }
  expect(message).toContain(text)
  expect(message).not.toMatch(/\p{Cc}/u)
})

it('takes no layer that cannot be counted', () => {
  const plan = recipes[0].plan(
    {},
    { transfer: true, labelled: 1000, transferRows: 5000, pretrained: false },
    'x',
  )
  const layers = (layer: number) => ({ stages: { [plan.stages[0].name]: { layerMap: [[1, layer]] } } })
  expect(withConfig(plan, 'x', layers(2)).stages[0].layerMap).toEqual([[1, 2]])
  for (const layer of [1e308, 2 ** 53, -1, 0.5])
    expect(() => withConfig(plan, 'x', layers(layer))).toThrow('layerMap must be')
})
