// The records of the recurrent layers: one layer in one direction over all times, from the input's product on.
import { ShapeError } from '../../../errors.js'
import { formatShape, type Shape, sameShape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { isRecording } from '../../graph.js'
import { defineOp, type Op } from '../../op.js'
import type { ErrorCase, Sample, Spec } from '../../samples.js'
import { type Cell, type CellName, cells } from './cells.js'
import { forward, fusedGrad, type SequenceAttrs } from './fused.js'
import { plainSequence, plainSequenceGrad } from './plain.js'

/** What a forward pass leaves for the fused backward, by its result. */
const keptBy = new WeakMap<Tensor, Tensor>()

function shapeOf(cell: Cell, shapes: readonly Shape[], { lengths }: SequenceAttrs): Shape {
  const [gx, weight, bias, ...initial] = shapes
  const n = weight[weight.length - 1] ?? 0
  const fail = (what: string) => new ShapeError(cell.name, what)
  if (!sameShape(weight, [cell.gates * n, n]))
    throw fail(`the weight must be [${cell.gates} n, n], got ${formatShape(weight)}`)
  if (gx.length !== 3 || gx[0] === 0 || gx[2] !== cell.gates * n) {
    throw fail(`the input's gates must be [time, rows, ${cell.gates * n}], got ${formatShape(gx)}`)
  }
  if (!sameShape(bias, [cell.gates * n]))
    throw fail(`the bias must be [${cell.gates * n}], got ${formatShape(bias)}`)
  const [T, rows] = gx
  const wrong = initial.find((s) => !sameShape(s, [rows, n]))
  if (wrong !== undefined || initial.length !== cell.states)
    throw fail(
      `needs ${cell.states} initial state of [${rows}, ${n}], got ${initial.map(formatShape).join(', ')}`,
    )
  if (lengths !== null && (lengths.length !== rows || !lengths.every((l) => l >= 0 && l <= T))) {
    throw fail(`needs ${rows} lengths of at most ${T}, got [${lengths.join(', ')}]`)
  }
  return [cell.states, T, rows, n]
}

function samplesOf(cell: Cell): Sample<SequenceAttrs>[] {
  const s = (
    [T, rows, n]: [number, number, number],
    attrs: Partial<SequenceAttrs> = {},
    more: Partial<Spec> = {},
  ): Sample<SequenceAttrs> => ({
    inputs: [
      { shape: [T, rows, cell.gates * n], ...gateDomain(cell), ...more },
      { shape: [cell.gates * n, n], ...smallWeight(cell) },
      { shape: [cell.gates * n], ...smallWeight(cell) },
      ...Array.from({ length: cell.states }, () => ({ shape: [rows, n], ...more })),
    ],
    attrs: { reverse: false, lengths: null, ...attrs },
  })
  return [
    s([2, 2, 1]),
    s([2, 1, 2]),
    s([1, 1, 1]),
    s([3, 1, 1], { reverse: true }),
    { ...s([2, 2, 1], { lengths: [2, 1] }), why: 'texts of several lengths' },
    { ...s([2, 2, 1], { lengths: [0, 1], reverse: true }), why: 'the same from the end, one empty' },
    s([2, 0, 2]),
    { ...s([1, 1, 5]), held: [1, 2], why: 'a width of a vector and a rest' },
    s([1, 2, 1], {}, { view: 'sliced' }),
    ...(cell.name === 'rnnRelu' ? [] : [s([1, 2, 1], {}, { domain: { lo: -4, hi: 4 } })]),
  ]
}

// relu's kink is kept at a distance: the products of state and weight stay smaller than the input's.
function gateDomain(cell: Cell): Partial<Spec> {
  return cell.name === 'rnnRelu' ? { domain: { lo: -3, hi: 3, avoid: [0], gap: 1.5 } } : {}
}

function smallWeight(cell: Cell): Partial<Spec> {
  return cell.name === 'rnnRelu' ? { domain: { lo: -0.1, hi: 0.1 } } : {}
}

function errorsOf(cell: Cell): ErrorCase<SequenceAttrs>[] {
  const { name, gates, states } = cell
  const attrs = { reverse: false, lengths: null }
  const state = Array.from({ length: states }, () => ({ shape: [2, 3] }))
  const of = (gx: Shape, weight: Shape, bias: Shape, more: Partial<SequenceAttrs>, text: string) => ({
    inputs: [{ shape: gx }, { shape: weight }, { shape: bias }, ...state],
    attrs: { ...attrs, ...more },
    error: ShapeError,
    text: `${name}: ${text}`,
  })
  const G = gates * 3
  return [
    of([4, 2, G], [G, 2], [G], {}, `the weight must be [${gates} n, n], got [${G}, 2]`),
    of([4, 2, 5], [G, 3], [G], {}, `the input's gates must be [time, rows, ${G}], got [4, 2, 5]`),
    of([0, 2, G], [G, 3], [G], {}, `the input's gates must be [time, rows, ${G}], got [0, 2, ${G}]`),
    of([4, 2, G], [G, 3], [2], {}, `the bias must be [${G}], got [2]`),
    of(
      [4, 5, G],
      [G, 3],
      [G],
      {},
      `needs ${states} initial state of [5, 3], got ${state.map(() => '[2, 3]').join(', ')}`,
    ),
    of([4, 2, G], [G, 3], [G], { lengths: [4, 5] }, 'needs 2 lengths of at most 4, got [4, 5]'),
  ]
}

function sequenceOp(cell: Cell): Op<SequenceAttrs> {
  return defineOp<SequenceAttrs>({
    name: cell.name,
    doc: cell.doc,
    math: cell.math,
    takes: ['float'],
    // The tensors themselves, to see whether a gradient is wanted.
    strided: true,
    shape: (shapes, attrs) => shapeOf(cell, shapes, attrs),
    kernel: (k, out, inputs, attrs) => {
      const kept = forward(cell, k, out, inputs, attrs, isRecording() && inputs.some((t) => t.requiresGrad))
      if (kept !== null) keptBy.set(out, kept)
    },
    plain: (inputs, attrs) => plainSequence(cell, inputs, attrs),
    save: (inputs, y) => [...inputs, y, keptBy.get(y)!],
    backward: ({ dy, saved, attrs }) =>
      plainSequenceGrad(cell, dy, saved.slice(0, -2), saved[saved.length - 2], attrs),
    fastBackward: ({ dy, saved, attrs, needs }) => {
      const [y, kept] = saved.slice(-2)
      return fusedGrad(cell, dy, saved.slice(0, -2), y, kept, attrs, needs)
    },
    twice: true,
    // A cell state is a difference of products, and goes through all times.
    k: 64,
    samples: () => samplesOf(cell),
    errors: () => errorsOf(cell),
    edge: () => [
      {
        inputs: [
          { shape: [1, 2, cell.gates], values: new Array(2 * cell.gates).fill(NaN) },
          { shape: [cell.gates, 1] },
          { shape: [cell.gates] },
          ...Array.from({ length: cell.states }, () => ({ shape: [2, 1], values: [0.25, -0.5] })),
        ],
        attrs: { reverse: false, lengths: [0, 1] },
        out: Array.from({ length: cell.states }, () => [[[0.25], [NaN]]]),
        why: 'a text without words keeps its state, whatever the padding holds',
      },
    ],
  })
}

const ops: Record<CellName, Op<SequenceAttrs>> = {
  rnnTanh: sequenceOp(cells.rnnTanh),
  rnnRelu: sequenceOp(cells.rnnRelu),
  gru: sequenceOp(cells.gru),
  lstm: sequenceOp(cells.lstm),
}

export const gateCount = (name: CellName): number => cells[name].gates
export const stateCount = (name: CellName): 1 | 2 => cells[name].states

/**
 * One recurrent layer in one direction: from the gates of the input [T, B, G n], the state's weight [G n, n] and bias
 * [G n] and the initial states [B, n], its states at all times [states, T, B, n]. A text's states stay as they are where
 * it has no words, so that a walk from the end starts at each text's own end. Gates are in PyTorch's order.
 */
export function sequence(
  name: CellName,
  gates: Tensor,
  weight: Tensor,
  bias: Tensor,
  initial: readonly Tensor[],
  { reverse = false, lengths = null }: Partial<SequenceAttrs> = {},
): Tensor {
  return ops[name]([gates, weight, bias, ...initial], { reverse, lengths })
}
