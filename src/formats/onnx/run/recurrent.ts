// ONNX's LSTM, one text and one direction after the other.
import { sigmoid, tanh } from '../../../tensor/math.js'
import { type Call, given, made, numberOf, type Operation, type RunValue } from './value.js'

/** What would change what is computed, and is not known here. */
const UNKNOWN = ['activations', 'activation_alpha', 'activation_beta', 'clip', 'input_forget', 'layout']

const directionsOf = new Map<unknown, readonly boolean[]>([
  [undefined, [false]],
  ['forward', [false]],
  ['reverse', [true]],
  ['bidirectional', [false, true]],
])

/** Throws where an input has other sizes than the first ones ask for. */
function checked(call: Call, i: number, shape: readonly number[]): RunValue {
  const x = given(call, i)
  return x.shape.join() === shape.join() ? x : call.fail(`has its input ${i} [${x.shape}], not [${shape}]`)
}

/** Gates i, o, f, c; X [T, B, I], sequence_lens [B]; Y [T, D, B, H], and the last h and c, [D, B, H]. */
const lstm: Operation = (call) => {
  const unknown = UNKNOWN.find((name) => call.attributes.has(name) && call.attributes.get(name) !== 0)
  if (unknown !== undefined) call.fail(`has ${unknown}, which is not known here`)
  if (call.inputs.slice(5).some((x) => x !== undefined)) call.fail('begins with states, or has peepholes')
  const reversed = directionsOf.get(call.attributes.get('direction'))
  if (reversed === undefined) return call.fail('has a direction that is not known here')
  const x = given(call, 0)
  const [T, B, I] = x.shape
  const D = reversed.length
  const H = numberOf(call, 'hidden_size', given(call, 2).shape[2] ?? 0)
  if (x.shape.length !== 3) call.fail(`takes [${x.shape}], which is no [T, B, I]`)
  const [w, r] = [checked(call, 1, [D, 4 * H, I]).data, checked(call, 2, [D, 4 * H, H]).data]
  const bias = call.inputs[3] && checked(call, 3, [D, 8 * H]).data
  const lengths = call.inputs[4] && checked(call, 4, [B]).data
  const states = [D, B, H]
  const [y, lastH, lastC] = [[T, ...states], states, states].map((shape) => made(call, x.type, shape))
  call.spend(D * T * B * 4 * H * (I + H))
  for (let d = 0; d < D; d++) {
    for (let b = 0; b < B; b++) {
      const [h, c] = [new Float64Array(H), new Float64Array(H)]
      const length = Number(lengths?.[b] ?? T)
      if (!(length >= 0 && length <= T)) call.fail(`has a text of ${length} words of ${T}`)
      for (let step = 0; step < length; step++) {
        const t = reversed[d] ? length - 1 - step : step
        const gates = Float64Array.from({ length: 4 * H }, (_, k) => {
          const row = d * 4 * H + k
          let sum = bias === undefined ? 0 : bias[d * 8 * H + k] + bias[d * 8 * H + 4 * H + k]
          for (let i = 0; i < I; i++) sum += w[row * I + i] * x.data[(t * B + b) * I + i]
          for (let i = 0; i < H; i++) sum += r[row * H + i] * h[i]
          return sum
        })
        for (let k = 0; k < H; k++) {
          const [input, output, forget] = [0, 1, 2].map((gate) => sigmoid(gates[gate * H + k]))
          c[k] = forget * c[k] + input * tanh(gates[3 * H + k])
          h[k] = output * tanh(c[k])
        }
        y.data.set(h, ((t * D + d) * B + b) * H)
      }
      lastH.data.set(h, (d * B + b) * H)
      lastC.data.set(c, (d * B + b) * H)
    }
  }
  return [y, lastH, lastC]
}

export const recurrent: Readonly<Record<string, Operation>> = { LSTM: lstm }
