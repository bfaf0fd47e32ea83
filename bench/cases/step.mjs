// One training step of the two models that the benches speak of.
import { prepare } from '../model.mjs'
import { models, productFlops } from '../shapes.mjs'

export const stepCases = Object.entries(models).map(([name, model]) => ({
  ...{ name: `${name}, training step, 16 x 64 tokens`, group: 'step' },
  flops: 3 * productFlops(model, 16, 64),
  setup: () => prepare(model, 16, 64).step,
}))
