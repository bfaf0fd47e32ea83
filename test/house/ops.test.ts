// docs/ops.md is written from the records: `npx vitest run test/house/ops.test.ts -u` writes it anew.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type AnyOp, allOps } from '../../src/autograd/op.js'
import * as entry from '../../src/index.js'
import elsewhere from './elsewhere.json' with { type: 'json' }
import { parts } from './ops.js'

/** What a record tells of gradients: none, one, or one that can be differentiated again. */
function gradient({ record }: AnyOp): string {
  if (!('composite' in record) && record.backward === null) return 'no'
  return record.twice ? 'twice' : 'once'
}

function how({ record }: AnyOp): string {
  return 'composite' in record ? 'other ops' : 'view' in record ? 'a view' : 'a kernel'
}

/** How it is called: as a method, by its name in the entry, or only by other ops. */
function called(name: string): string {
  if (name in entry.Tensor.prototype) return `x.${name}()`
  return name in entry ? `${name}()` : 'inside'
}

const engines = ['torch', 'tfjs', 'jsPytorch', 'jaxJs'] as const
const others: Record<string, Partial<Record<(typeof engines)[number], string>>> = elsewhere

const cell = (text: string) => text.replaceAll('|', '\\|')

function page(): string {
  const rows = allOps()
    .sort((a, b) => a.record.name.localeCompare(b.record.name, 'en'))
    .map((op) => {
      const { name, doc, math } = op.record
      return `| ${name} | ${called(name)} | ${cell(doc)} | $${cell(math)}$ | ${gradient(op)} | ${how(op)} |`
    })
  const beside = Object.entries(others).map(
    ([name, names]) => `| ${[name, ...engines.map((engine) => names[engine] ?? '')].join(' | ')} |`,
  )
  const made = parts.map(([name, of]) => `- \`${name}\`: ${of}`)
  return `# Ops

${rows.length} ops, written from their records by test/house/ops.test.ts. Every one is checked against finite differences in float64 (below 1e-8), of its surrogate where it rounds and lets the gradient through, in float32, on views, empty and infinite inputs (test/ops), and those of test/golden/ops.json against PyTorch. Gradient "twice": it can be differentiated again. "A kernel" runs on SIMD where the backend report says wasm, else in a plain loop.

| op | call | what it does | formula; gradient | gradient | made of |
|---|---|---|---|---|---|
${rows.join('\n')}

## In other engines

What stands nearest to an op in PyTorch 2.15 (torch.), tfjs 4.22 (tf., layers in tfjs-layers), js-pytorch 0.7 (torch.) and jax-js 0.1 (jax.), looked up in what these packages export; empty where they have none.

| op | PyTorch | tfjs | js-pytorch | jax-js |
|---|---|---|---|---|
${beside.join('\n')}

## Functions made of these

${made.join('\n')}
`
}

it('docs/ops.md is what the records say', async () => {
  await expect(page()).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/ops.md'))
})

it('the functions listed beside the records exist, and those named elsewhere are ops', () => {
  for (const [name] of parts) expect(called(name), name).not.toBe('inside')
  const names = new Set(allOps().map(({ record }) => record.name))
  expect(Object.keys(others).filter((name) => !names.has(name))).toEqual([])
  expect(names.size).toBeGreaterThanOrEqual(130)
})
