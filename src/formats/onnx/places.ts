// What the places of words do in a graph, outside the table that is added to them: see src/nn/places.
import type { Embedding } from '../../nn/layers.js'
import { distanceBucket } from '../../nn/models/input.js'
import type { RelativePlaces } from '../../nn/places/relative.js'
import type { RotaryPlaces } from '../../nn/places/rotary.js'
import type { GraphBuilder, Value } from './builder.js'
import { elementTypes } from './elements.js'
import { emit, type Surroundings } from './layers.js'

/** What is added to the score of a word that is not to be seen: exp(-10000) is 0, and float16 holds it. */
export const UNSEEN = -10000

/** [1, S]: the numbers of the words' places. */
export function placesOf(g: GraphBuilder, path: string, ids: Value, longest: number): Value {
  const shape = g.node(path, 'Shape', [ids])
  const length = g.node(path, 'Gather', [shape, g.constant('int64', [1])])
  const all = g.stored(`${path}.ids`, 'int64', [1, longest], () =>
    Array.from({ length: longest }, (_, i) => i),
  )
  return g.node(path, 'Slice', [all, g.constant('int64', [0]), length, g.constant('int64', [1])])
}

/** [B, S]: those of words behind padding's place, where padding is by its id, as positionsOf() has them. */
export function placesAfterPad(g: GraphBuilder, path: string, ids: Value, padId: number): Value {
  const pad = g.constant('int64', padId)
  const word = g.node(path, 'Not', [g.node(path, 'Equal', [ids, pad])])
  const one = g.node(path, 'Cast', [word], { to: elementTypes.int64.code })
  const count = g.node(path, 'CumSum', [one, g.constant('int64', 1)])
  return g.node(path, 'Add', [g.node(path, 'Mul', [count, one]), pad])
}

/** [S, S]: how far a key stands behind a query, places [1, S]. */
function apartOf(g: GraphBuilder, path: string, places: Value): Value {
  return g.node(path, 'Sub', [places, g.node(path, 'Transpose', [places], { perm: [1, 0] })])
}

/** [S, S] of whole numbers: what `kind` says of each distance, key - query. */
function kindsOf(
  g: GraphBuilder,
  path: string,
  ids: Value,
  longest: number,
  kind: (apart: number) => number,
): Value {
  const apart = apartOf(g, path, placesOf(g, path, ids, longest))
  const kinds = g.stored(`${path}.kinds`, 'int64', [2 * longest - 1], () =>
    Array.from({ length: 2 * longest - 1 }, (_, i) => kind(i - longest + 1)),
  )
  return g.node(path, 'Gather', [kinds, g.node(path, 'Add', [apart, g.constant('int64', longest - 1)])])
}

/** [1, H, S, S]: what a head's scores get by the distance of two words. */
export function distances(
  g: GraphBuilder,
  table: Embedding,
  path: string,
  ids: Value,
  longest: number,
): Value {
  const kind = kindsOf(g, path, ids, longest, distanceBucket)
  const rows = g.node(path, 'Gather', [g.parameter(`${path}.weight`, table.weight), kind]) // [S, S, H]
  const turned = g.node(path, 'Transpose', [rows], { perm: [2, 0, 1] })
  return g.node(path, 'Unsqueeze', [turned, g.constant('int64', [0])])
}

/** What each layer's attention takes of distances: scores of queries with them, and of them with keys. */
export function relative(
  g: GraphBuilder,
  model: RelativePlaces,
  path: string,
  ids: Value,
  around: Surroundings,
  longest: number,
): Surroundings {
  // Rows count keys before a query, distances those behind it.
  const rows = kindsOf(g, path, ids, longest, (apart) => model.rowOf(-apart)) // [S, S]
  // Those of this length alone, between the corners.
  const corner = (from: number[], to: number[]) => {
    const one = g.node(path, 'Slice', [rows, ...[from, to].map((at) => g.constant('int64', at))])
    return g.node(path, 'Reshape', [one, g.constant('int64', [-1])])
  }
  const end = 2 ** 31 - 1
  const first = corner([0, -1], [1, end])
  const behind = g.node(path, 'Add', [corner([-1, 0], [end, 1]), g.constant('int64', [1])])
  const all = g.stored(`${path}.rows`, 'int64', [2 * model.buckets], () =>
    Array.from({ length: 2 * model.buckets }, (_, i) => i),
  )
  const there = g.node(path, 'Slice', [all, first, behind])
  const taken = emit(g, model.positions, `${path}.positions`, there, around)
  const table = emit(g, model.norm, `${path}.norm`, taken, around)
  const kind = g.node(path, 'Sub', [rows, first])
  const scores: Surroundings['scores'] = (at, q, k, { query, key, heads, headSize: size }) => {
    const node = (op: string, inputs: Value[], attributes = {}) => g.node(at, op, inputs, attributes)
    const turned = (x: Value, perm: readonly number[]) => node('Transpose', [x], { perm })
    /** [H, D, R]. A product of what was turned last in another way kills onnxruntime 1.32 in float16. */
    const projected = (layer: typeof query, name: string) => {
      const y = emit(g, layer, `${at}.${name}`, table, around) // [R, H D]
      return node('Reshape', [turned(y, [1, 0]), g.constant('int64', [heads, size, -1])])
    }
    const part = (x: Value, from: number, to: number) =>
      node('Slice', [x, ...[from, to].map((n) => g.constant('int64', [n]))])
    /** [B, H, S, S] of products of either with all distances, which stand along an axis. */
    const chosen = (products: Value, axis: 2 | 3) => {
      const shape = node('Shape', [products])
      const S = part(shape, 5 - axis, 6 - axis)
      const whole = node('Expand', [kind, node('Concat', [part(shape, 0, 2), S, S], { axis: 0 })])
      return node('GatherElements', [products, whole], { axis })
    }
    const toDistance = chosen(node('MatMul', [q, projected(key, 'key')]), 3)
    const fromDistance = chosen(node('MatMul', [turned(projected(query, 'query'), [0, 2, 1]), k]), 2)
    return node('Add', [toDistance, fromDistance])
  }
  return { ...around, scores, root: (size) => Math.sqrt(3 * size) }
}

/** Of each layer what its attention takes: heads turned by their places, and in near layers a mask that is narrower. */
export function rotary(
  g: GraphBuilder,
  model: RotaryPlaces,
  path: string,
  ids: Value,
  { mask }: Surroundings,
  longest: number,
): (layer: number) => Surroundings {
  const { half } = model.far
  const places = placesOf(g, path, ids, longest) // [1, S]
  const row = g.node(path, 'Squeeze', [places, g.constant('int64', [0])])
  const kinds = ['far', 'near'] as const
  const turns = kinds.map((kind) => {
    const [cos, sin] = (['cos', 'sin'] as const).map((name) => {
      const numbers = () => model[kind].upTo(longest)[name].subarray(0, longest * half)
      const table = g.stored(`${path}.${kind}.${name}`, g.floats, [longest, half], numbers)
      return g.node(path, 'Gather', [table, row]) // [S, D / 2]
    })
    return (at: string, x: Value): Value => {
      const node = (op: string, inputs: Value[], attributes = {}) => g.node(at, op, inputs, attributes)
      const part = (from: number, to: number) =>
        node('Slice', [x, ...[from, to, 3].map((n) => g.constant('int64', [n]))])
      const [a, b] = [part(0, half), part(half, 2 * half)]
      const first = node('Sub', [node('Mul', [a, cos]), node('Mul', [b, sin])])
      const second = node('Add', [node('Mul', [b, cos]), node('Mul', [a, sin])])
      return node('Concat', [first, second], { axis: -1 })
    }
  })
  const distance = g.node(path, 'Abs', [apartOf(g, path, places)])
  const far = g.node(path, 'Greater', [distance, g.constant('int64', model.window)])
  const unseen = g.node(path, 'Cast', [far], { to: elementTypes[g.floats].code })
  // Of padding that is far too: once, or float16 would hold no sum.
  const lowest = g.node(path, 'Mul', [unseen, g.number(UNSEEN)])
  const near = g.node(path, 'Min', [mask, lowest])
  const [all, few] = turns.map((turn, i) => ({ mask: [mask, near][i], turn }))
  return (layer) => (model.isNear(layer) ? few : all)
}
