// Optimizer steps, in place on the parameters, and the norm that clipping needs.
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

// Tieleman and Hinton 2012, as PyTorch spells it.
export const rmsprop: Kernels['rmsprop'] = (p, g, squareAvg, gradAvg, buf, a) => {
  for (let i = 0; i < p.length; i++) {
    const grad = g[i] * a.gradScale + a.weightDecay * p[i]
    const square = a.alpha * squareAvg[i] + (1 - a.alpha) * grad * grad
    squareAvg[i] = square
    let variance = square
    if (gradAvg !== null) {
      const mean = a.alpha * gradAvg[i] + (1 - a.alpha) * grad
      gradAvg[i] = mean
      // Of equal gradients it is 0, and rounding must not make it less.
      variance = Math.max(0, square - mean * mean)
    }
    let move = grad / (Math.sqrt(variance) + a.eps)
    if (buf !== null) {
      move += a.momentum * buf[i]
      buf[i] = move
    }
    p[i] -= a.lr * move
  }
}

// Duchi, Hazan and Singer 2011.
export const adagrad: Kernels['adagrad'] = (p, g, sum, lr, eps, weightDecay, gradScale) => {
  for (let i = 0; i < p.length; i++) {
    const grad = g[i] * gradScale + weightDecay * p[i]
    sum[i] += grad * grad
    p[i] -= (lr * grad) / (Math.sqrt(sum[i]) + eps)
  }
}

// Chen et al. 2023, algorithm 2.
export const lion: Kernels['lion'] = (p, g, m, lr, beta1, beta2, weightDecay, gradScale) => {
  for (let i = 0; i < p.length; i++) {
    const grad = g[i] * gradScale
    const blend = beta1 * m[i] + (1 - beta1) * grad
    p[i] = p[i] * (1 - lr * weightDecay) - lr * Math.sign(blend)
    m[i] = beta2 * m[i] + (1 - beta2) * grad
  }
}

export const sumSquares: Kernels['sumSquares'] = (x) => {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return sum
}
