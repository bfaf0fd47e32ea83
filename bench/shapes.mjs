// The work that is measured in several places, told without loading the engine.
import { availableParallelism } from 'node:os'

export const models = {
  'TinyBERT-4L-312': { layers: 4, width: 312, heads: 12, inner: 1200 },
  'MiniLM-6L-384': { layers: 6, width: 384, heads: 12, inner: 1536 },
}

export const VOCABULARY = 30522

/** 1, and as many as there are processors. */
export const threadCounts = [...new Set([1, availableParallelism()])]

/** Of the matrix products of a forward pass, the projections and attention; a training step has three times as many. */
export function productFlops({ layers, width, inner }, batch, tokens) {
  const aToken = 2 * (4 * width * width + 2 * width * inner) + 4 * tokens * width
  return layers * batch * tokens * aToken
}

export function tokenIds(batch, tokens) {
  return Int32Array.from({ length: batch * tokens }, (_, i) => 1 + ((i * 7919) % (VOCABULARY - 1)))
}

/** What is done with a model beside peers. */
export const modelWork = (name) => [
  { title: `${name}, training step, 16 x 64`, what: 'step', shape: models[name], batch: 16, tokens: 64 },
  { title: `${name}, forward, 16 x 64`, what: 'forward', shape: models[name], batch: 16, tokens: 64 },
  { title: `${name}, one text of 16 tokens`, what: 'forward', shape: models[name], batch: 1, tokens: 16 },
]

export const matmulWork = [
  [512, 512, 512],
  [1024, 312, 1200],
].map(([m, k, n]) => ({ title: `matmul ${m}x${k}x${n}`, what: 'matmul', m, k, n, flops: 2 * m * k * n }))
