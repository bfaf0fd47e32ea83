// Attention: writes the arguments as assembly/attention.ts reads them, and asks it for all heads.

import { heap } from '../../heap.js'
import type { AttentionArgs } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { ARGS, at, type Scratch, shareOf, staged } from './memory.js'
import type { Exports } from './module.js'
import type { Pool } from './pool.js'

type Attention = Pick<Kernels, 'attention' | 'attentionGrad'>

/** Queries times keys of a head, all batches together. */
function pairsOf({ B, S, T, starts }: AttentionArgs): number {
  if (starts === null) return B * S * T
  let pairs = 0
  for (let b = 0; b < B; b++) pairs += (starts[b + 1] - starts[b]) ** 2
  return pairs
}

/** Nanoseconds for a query and a key of a head, forward and backward, about: products, exponentials, dropout. */
const pairCost = (D: number) => ({ attention: 4 + D / 8, attentionGrad: 6 + D / 2.5 })

export function attentionKernels(
  w: Exports,
  scratch: Scratch,
  pool: Pool,
  js: Kernels,
  self: () => Kernels,
): Attention {
  const words = heap === null ? new Uint32Array(64) : new Uint32Array(heap.buffer, ARGS, 64)
  const floats = new Float32Array(words.buffer, words.byteOffset, 64)

  const share = (a: AttentionArgs) => shareOf(w.attentionScratch(a.S, a.T, a.D))

  /** All heads. false where js has to do it. */
  function run(fn: 'attention' | 'attentionGrad', a: AttentionArgs, addresses: readonly number[]): boolean {
    const room = prepare(a, addresses)
    if (room < 0) return false
    const heads = a.B * a.H
    const chunk = Math.ceil(heads / pool.chunksFor(a.H * pairsOf(a) * pairCost(a.D)[fn]))
    return pool.run({
      fn,
      args: [ARGS, 0, heads, room],
      steps: { 1: chunk, 3: share(a) },
      ...{ countAt: 2, total: heads, chunk, scratchAt: 3 },
    })
  }

  /** Writes the arguments; gives the address of the scratch behind the mask or the starts, or -1 where js has to do it. */
  function prepare(a: AttentionArgs, addresses: readonly number[]): number {
    // Softmax of scale * x needs scale > 0; without queries or keys there is nothing to be fast at.
    if (!(a.scale > 0 && a.scale < Infinity) || a.B * a.H * a.S * a.T * a.D === 0) return -1
    // One or the other: by segments there is no mask.
    const count = a.starts !== null ? a.B + 1 : a.mask !== null ? a.B * a.T : 0
    const besides = Math.ceil(count / 16) * 64
    const room = scratch.reserve(besides + share(a) * pool.size())
    if (room < 0 || heap === null) return -1
    if (a.starts !== null) new Int32Array(heap.buffer, room, count).set(a.starts)
    else if (a.mask !== null) {
      const seen = new Int32Array(heap.buffer, room, count)
      for (let i = 0; i < seen.length; i++) seen[i] = a.mask[i] === 0 ? 0 : 1
    }
    let i = 0
    for (const x of [a.H, a.S, a.T, a.D]) words[i++] = x
    for (const strides of [a.q, a.k, a.v, a.out]) for (let d = 0; d < 3; d++) words[i++] = strides[d] * 4
    floats[i++] = a.scale
    words[i++] = a.causal ? 1 : 0
    words[i++] = a.mask === null ? 0 : room
    words[i++] = a.starts === null ? 0 : room
    words[i++] = a.key[0]
    words[i++] = a.key[1]
    words[i++] = a.p === 0 ? 0 : a.p < 1 ? 1 : 2
    words[i++] = Math.ceil(a.p * 4294967296)
    floats[i++] = 1 / (1 - a.p)
    for (const address of addresses) words[i++] = address
    return room + besides
  }

  return {
    attention(out, q, k, v, a) {
      const addresses = [at(q), at(k), at(v), at(out)]
      if (Math.min(...addresses) < 0) return staged('attention', self(), js, [out, q, k, v, a])
      if (!run('attention', a, addresses)) js.attention(out, q, k, v, a)
    },

    attentionGrad(dq, dk, dv, dout, q, k, v, a) {
      const addresses = [at(q), at(k), at(v), at(dout), at(dq), at(dk), at(dv)]
      if (Math.min(...addresses) < 0)
        return staged('attentionGrad', self(), js, [dq, dk, dv, dout, q, k, v, a])
      if (!run('attentionGrad', a, addresses)) js.attentionGrad(dq, dk, dv, dout, q, k, v, a)
    },
  }
}
