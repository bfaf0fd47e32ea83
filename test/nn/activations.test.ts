// The activations that a config.json may name, against what transformers makes of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { type Activation, activated, activationNames } from '../../src/nn/encoder.js'
import { Linear } from '../../src/nn/layers.js'

const golden = join(import.meta.dirname, '../golden/activations.json')
const { x, values } = JSON.parse(readFileSync(golden, 'utf8')) as {
  x: number[]
  values: Record<Activation, number[]>
}

describe('the activations of a config.json', () => {
  it('are those of the stored values', () => {
    expect([...activationNames].sort()).toEqual(Object.keys(values).sort())
  })

  it.each(activationNames)('%s, in one pass and with gradients', (name) => {
    const layer = new Linear(1, 1).to('float64')
    layer.weight.elements.fill(1)
    layer.bias?.elements.fill(0)
    const input = tensor(x, { shape: [x.length, 1], dtype: 'float64' })
    for (const out of [activated(layer, input, name), noGrad(() => activated(layer, input, name))])
      for (const [i, want] of values[name].entries())
        expect(Math.abs(out.data[i] - want)).toBeLessThan(1e-8 * Math.max(1, Math.abs(want)))
  })
})
