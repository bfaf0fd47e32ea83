// What one step of a recurrent layer does to each unit, after the products: LSTM and GRU, and their gradients.
import type { Kernels } from '../../kernels.js'
import { sigmoid, tanh } from '../../math.js'

export const lstmStep: Kernels['lstmStep'] = (h, c, act, gx, gh, cPrev, rows, n) => {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      const at = r * n + j
      const a = r * 4 * n + j
      const gate = (k: number) => gx[a + k * n] + gh[a + k * n]
      const [i, f, g, o] = [sigmoid(gate(0)), sigmoid(gate(1)), tanh(gate(2)), sigmoid(gate(3))]
      const cell = f * cPrev[at] + i * g
      act[a] = i
      act[a + n] = f
      act[a + 2 * n] = g
      act[a + 3 * n] = o
      c[at] = cell
      h[at] = o * tanh(cell)
    }
  }
}

export const lstmStepGrad: Kernels['lstmStepGrad'] = (dGates, dc, dh, act, c, cPrev, rows, n) => {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      const at = r * n + j
      const a = r * 4 * n + j
      const [i, f, g, o] = [act[a], act[a + n], act[a + 2 * n], act[a + 3 * n]]
      const t = tanh(c[at])
      const d = dc[at] + dh[at] * o * (1 - t * t)
      dGates[a] = d * g * i * (1 - i)
      dGates[a + n] = d * cPrev[at] * f * (1 - f)
      dGates[a + 2 * n] = d * i * (1 - g * g)
      dGates[a + 3 * n] = dh[at] * t * o * (1 - o)
      dc[at] = d * f
    }
  }
}

export const gruStep: Kernels['gruStep'] = (h, act, gx, gh, hPrev, rows, n) => {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      const at = r * n + j
      const a = r * 3 * n + j
      const reset = sigmoid(gx[a] + gh[a])
      const z = sigmoid(gx[a + n] + gh[a + n])
      const inner = gh[a + 2 * n]
      const fresh = tanh(gx[a + 2 * n] + reset * inner)
      const to = r * 4 * n + j
      act[to] = reset
      act[to + n] = z
      act[to + 2 * n] = fresh
      act[to + 3 * n] = inner
      h[at] = (1 - z) * fresh + z * hPrev[at]
    }
  }
}

export const gruStepGrad: Kernels['gruStepGrad'] = (dGx, dGh, dh, act, hPrev, rows, n) => {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      const at = r * n + j
      const from = r * 4 * n + j
      const [reset, z, fresh, inner] = [act[from], act[from + n], act[from + 2 * n], act[from + 3 * n]]
      const d = dh[at]
      const dFresh = d * (1 - z) * (1 - fresh * fresh)
      const dReset = dFresh * inner * reset * (1 - reset)
      const dZ = d * (hPrev[at] - fresh) * z * (1 - z)
      const a = r * 3 * n + j
      dGx[a] = dReset
      dGx[a + n] = dZ
      dGx[a + 2 * n] = dFresh
      dGh[a] = dReset
      dGh[a + n] = dZ
      dGh[a + 2 * n] = dFresh * reset
      dh[at] = d * z
    }
  }
}
