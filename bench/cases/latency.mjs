// Inference: a batch, and one short text.
import { prepare } from '../model.mjs'
import { models, productFlops } from '../shapes.mjs'

export const latencyCases = Object.entries(models).flatMap(([name, model]) =>
  [
    [16, 64, '16 x 64 tokens'],
    [1, 16, 'one text of 16 tokens'],
  ].flatMap(([batch, tokens, what]) =>
    [false, true].map((int8) => ({
      ...{ name: `${name}, forward, ${what}${int8 ? ', int8' : ''}`, group: 'latency' },
      flops: productFlops(model, batch, tokens),
      setup: () => prepare(model, batch, tokens, { int8 }).forward,
    })),
  ),
)
