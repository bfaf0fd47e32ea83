// Optimizer steps in one pass over a parameter, in place.
import type { Kernels } from '../../kernels.js'

export const steps: Pick<Kernels, 'adam' | 'sgd'> = {
  // Kingma and Ba 2014, algorithm 1; decoupled weight decay: Loshchilov and Hutter 2017, algorithm 2.
  adam(p, g, m, v, { lr, beta1, beta2, eps, weightDecay, decoupled, correction1, correction2, gradScale }) {
    for (let i = 0; i < p.length; i++) {
      let grad = g[i] * gradScale
      let x = p[i]
      if (decoupled) x -= lr * weightDecay * x
      else grad += weightDecay * x
      const mi = beta1 * m[i] + (1 - beta1) * grad
      const vi = beta2 * v[i] + (1 - beta2) * grad * grad
      m[i] = mi
      v[i] = vi
      p[i] = x - ((lr / correction1) * mi) / (Math.sqrt(vi / correction2) + eps)
    }
  },

  sgd(p, g, buf, lr, momentum, weightDecay, nesterov, gradScale) {
    for (let i = 0; i < p.length; i++) {
      const grad = g[i] * gradScale + weightDecay * p[i]
      const b = momentum * buf[i] + grad
      buf[i] = b
      p[i] -= lr * (nesterov ? grad + momentum * b : b)
    }
  },
}
