// Scaled dot-product attention without keeping the probabilities: backward computes them again, row by row.
import type { AttentionArgs, Kernels } from '../../kernels.js'
import { exp } from '../../math.js'
import type { Floats } from '../../storage.js'
import { isDropped } from './normalize.js'

/** The probabilities of query s over all keys, into `probs`. A query that sees no key gets zeros. */
function probabilities(probs: Float64Array, q: Floats, k: Floats, b: number, h: number, s: number, args: AttentionArgs): void {
  const { S, T, D, scale, mask, causal } = args
  const qAt = b * args.q[0] + h * args.q[1] + s * args.q[2]
  let max = -Infinity
  for (let t = 0; t < T; t++) {
    // Queries and keys end together: query s stands at place s + T - S.
    const hidden = (mask !== null && mask[b * T + t] === 0) || (causal && t > s + T - S)
    if (hidden) {
      probs[t] = -Infinity
      continue
    }
    const kAt = b * args.k[0] + h * args.k[1] + t * args.k[2]
    let dot = 0
    for (let d = 0; d < D; d++) dot += q[qAt + d] * k[kAt + d]
    probs[t] = dot * scale
    max = Math.max(max, probs[t])
  }
  if (max === -Infinity) {
    probs.fill(0)
    return
  }
  let sum = 0
  for (let t = 0; t < T; t++) sum += probs[t] = exp(probs[t] - max)
  for (let t = 0; t < T; t++) probs[t] /= sum
}

/** What dropout multiplies the probability of (b, h, s, t) with: 0 or 1 / (1 - p). */
function keepFactor(args: AttentionArgs, b: number, h: number, s: number, t: number): number {
  if (args.p === 0) return 1
  const i = ((b * args.H + h) * args.S + s) * args.T + t
  return isDropped(args.key, i, args.p) ? 0 : 1 / (1 - args.p)
}

export const attentions: Pick<Kernels, 'attention' | 'attentionGrad'> = {
  attention(out, q, k, v, args) {
    const { B, H, S, T, D } = args
    const probs = new Float64Array(T)
    const row = new Float64Array(D)
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) {
        for (let s = 0; s < S; s++) {
          probabilities(probs, q, k, b, h, s, args)
          row.fill(0)
          for (let t = 0; t < T; t++) {
            const p = probs[t] * keepFactor(args, b, h, s, t)
            const vAt = b * args.v[0] + h * args.v[1] + t * args.v[2]
            if (p !== 0) for (let d = 0; d < D; d++) row[d] += p * v[vAt + d]
          }
          out.set(row, b * args.out[0] + h * args.out[1] + s * args.out[2])
        }
      }
    }
  },

  attentionGrad(dq, dk, dv, dout, q, k, v, args) {
    const { B, H, S, T, D, scale } = args
    const probs = new Float64Array(T)
    const dProbs = new Float64Array(T)
    const [dqRow, dkHead, dvHead] = [new Float64Array(D), new Float64Array(T * D), new Float64Array(T * D)]
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < H; h++) {
        dkHead.fill(0)
        dvHead.fill(0)
        for (let s = 0; s < S; s++) {
          probabilities(probs, q, k, b, h, s, args)
          const oAt = b * args.out[0] + h * args.out[1] + s * args.out[2]
          const qAt = b * args.q[0] + h * args.q[1] + s * args.q[2]
          // dP = dO V^T (through dropout); dV += P^T dO
          let dot = 0
          for (let t = 0; t < T; t++) {
            const keep = keepFactor(args, b, h, s, t)
            const vAt = b * args.v[0] + h * args.v[1] + t * args.v[2]
            let dp = 0
            for (let d = 0; d < D; d++) {
              dp += dout[oAt + d] * v[vAt + d]
              dvHead[t * D + d] += probs[t] * keep * dout[oAt + d]
            }
            dProbs[t] = dp * keep
            dot += probs[t] * dProbs[t]
          }
          // dS = P * (dP - sum(P * dP)) * scale; dQ = dS K; dK += dS^T Q
          dqRow.fill(0)
          for (let t = 0; t < T; t++) {
            const ds = probs[t] * (dProbs[t] - dot) * scale
            const kAt = b * args.k[0] + h * args.k[1] + t * args.k[2]
            if (ds === 0) continue
            for (let d = 0; d < D; d++) {
              dqRow[d] += ds * k[kAt + d]
              dkHead[t * D + d] += ds * q[qAt + d]
            }
          }
          dq.set(dqRow, qAt)
        }
        for (let t = 0; t < T; t++) {
          const row = (x: Float64Array) => x.subarray(t * D, (t + 1) * D)
          dk.set(row(dkHead), b * args.k[0] + h * args.k[1] + t * args.k[2])
          dv.set(row(dvHead), b * args.v[0] + h * args.v[1] + t * args.v[2])
        }
      }
    }
  },
}
