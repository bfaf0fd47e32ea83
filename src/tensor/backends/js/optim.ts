// Optimizer steps, in place on the parameters, and the norm that clipping needs. Those that wasm has no own form of are loops in
// nn/optim: a page loads this table whole.
import type { Kernels } from '../../kernels.js'

// Kingma and Ba 2015; decoupled weight decay: Loshchilov and Hutter 2019.
export const adam: Kernels['adam'] = (p, g, m, v, a) => {
  const step = a.lr / a.correction1
  const l2 = a.decoupled ? 0 : a.weightDecay
  const keep = a.decoupled ? 1 - a.lr * a.weightDecay : 1
  for (let i = 0; i < p.length; i++) {
    const grad = g[i] * a.gradScale + l2 * p[i]
    const m1 = a.beta1 * m[i] + (1 - a.beta1) * grad
    const v1 = a.beta2 * v[i] + (1 - a.beta2) * grad * grad
    m[i] = m1
    v[i] = v1
    p[i] = p[i] * keep - (step * m1) / (Math.sqrt(v1 / a.correction2) + a.eps)
  }
}

export const sgd: Kernels['sgd'] = (p, g, buf, lr, momentum, weightDecay, nesterov, gradScale) => {
  for (let i = 0; i < p.length; i++) {
    const grad = g[i] * gradScale + weightDecay * p[i]
    const velocity = momentum * buf[i] + grad
    buf[i] = velocity
    p[i] -= lr * (nesterov ? grad + momentum * velocity : velocity)
  }
}

export const sumSquares: Kernels['sumSquares'] = (x) => {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return sum
}
