// Finds where NaN or Infinity arose. Every tensor that holds one carries its origin from op to op, and every gradient from
// node to node, so that one that came to nothing, as a mask's -Infinity in a softmax, is not taken for the cause.
import { formatShape } from '../tensor/shape.js'
import type { Storage } from '../tensor/storage.js'
import type { GraphNode, Tensor } from '../tensor/tensor.js'
import type { Node } from './node.js'
import { place, type Tracer } from './trace.js'

export interface Origin {
  /** 'tensor': it stood in a tensor that no op made. 'op', 'gradient': made of finite ones. 'sum': gradients added up. */
  kind: 'parameter' | 'tensor' | 'op' | 'gradient' | 'sum'
  /** A clause that names the tensor or the op, the element, and the place. */
  text: string
  /** Of two, the smaller was first. */
  order: number
  /** -Infinity that no op made: most likely a mask, and only to blame where nothing else is. */
  mask: boolean
}

interface Spot {
  value: number
  /** ' at [2, 1] of [8, 3]'; of a single number nothing. */
  at: string
  /** '[2, 1]'. */
  index: string
}

/** The first NaN, or where there is none the first infinite element; null where all are finite. */
function firstNonfinite(t: Tensor): Spot | null {
  if (t.dtype === 'int32') return null
  const x = t.elements
  let first = -1
  for (let i = 0; i < x.length; i++) {
    if (x[i] - x[i] === 0) continue
    if (first < 0) first = i
    if (Number.isNaN(x[i])) {
      first = i
      break
    }
  }
  if (first < 0) return null
  const index = indexOf(first, t.shape)
  return { value: x[first], at: t.rank === 0 ? '' : ` at ${index} of ${formatShape(t.shape)}`, index }
}

/** The index of row-major element i: '[2, 1]'. */
function indexOf(i: number, shape: readonly number[]): string {
  const index: number[] = []
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    index.unshift(i % shape[dim])
    i = Math.floor(i / shape[dim])
  }
  return formatShape(index)
}

const short = (x: number) => String(Number(x.toPrecision(4)))

/** ' from -1 to 2': the range of a tensor's elements, NaN left out. */
function rangeOf(t: Tensor): string {
  let [min, max] = [Infinity, -Infinity]
  for (const x of t.elements) {
    if (x < min) min = x
    if (x > max) max = x
  }
  if (min > max) return ''
  return min === max ? ` of ${short(min)}` : ` from ${short(min)} to ${short(max)}`
}

const inside = (where: string | undefined) => (where ? ` in ${where}` : '')

const byAge = (a: Origin, b: Origin) => Number(a.mask) - Number(b.mask) || a.order - b.order

/** A tracer of one run, forward or forward and backward. */
export class NonfiniteFinder implements Tracer {
  readonly #names = new WeakMap<Storage, string>()
  readonly #madeAt = new WeakMap<Storage, string>()
  readonly #placeOf = new WeakMap<GraphNode, string>()
  readonly #values = new WeakMap<Storage, Origin>()
  readonly #gradients = new Map<Node | Tensor, Origin>()
  #found = 0

  /** Why `t` is not finite; null where it is. */
  ofValue(t: Tensor): Origin | null {
    const spot = firstNonfinite(t)
    return spot && this.#valueOrigin(t, spot, 'nothing')
  }

  /** Why gradients of these leaves are not finite: the first of the causes; null where they are. */
  ofGradients(leaves: Iterable<Tensor>): Origin | null {
    const found: Origin[] = []
    for (const leaf of leaves) {
      const spot = leaf.leafGrad && firstNonfinite(leaf.leafGrad.tensor)
      if (!spot) continue
      const name = this.#names.get(leaf.storage) ?? `a leaf ${formatShape(leaf.shape)}`
      found.push(
        this.#gradients.get(leaf) ??
          this.#origin('sum', `the gradients of ${name} add up to ${spot.value}${spot.at}`),
      )
    }
    return found.sort(byAge)[0] ?? null
  }

  made(t: Tensor): void {
    this.#madeAt.set(t.storage, place())
  }

  named(t: Tensor, name: string): void {
    if (!this.#names.has(t.storage)) this.#names.set(t.storage, name)
  }

  ran(op: string, inputs: readonly Tensor[], out: Tensor): void {
    if (out.node !== null) this.#placeOf.set(out.node, place())
    // A view has the elements of its input, and their origin.
    if (inputs.some((t) => t.storage === out.storage)) return
    const spot = firstNonfinite(out)
    if (spot !== null) this.#values.set(out.storage, this.#through(op, inputs, spot))
  }

  passed(node: Node, dy: Tensor, grads: readonly (Tensor | null)[]): void {
    const at = inside(this.#placeOf.get(node))
    const spot = firstNonfinite(dy)
    const from =
      spot === null
        ? null
        : (this.#gradients.get(node) ??
          this.#origin(
            'sum',
            `the gradients of what ${node.name}${at} gave add up to ${spot.value}${spot.at}`,
          ))
    for (const [i, g] of grads.entries()) {
      const to = node.edges[i]
      if (g === null || to === null || this.#gradients.has(to)) continue
      const bad = firstNonfinite(g)
      if (bad === null) continue
      const target = ('storage' in to && this.#names.get(to.storage)) || `its input ${i}`
      const text = `the gradient of ${node.name}${at} for ${target} is ${bad.value}${bad.at}, from one${rangeOf(dy)}`
      this.#gradients.set(to, from ?? this.#origin('gradient', text))
    }
  }

  #origin(kind: Origin['kind'], text: string, mask = false): Origin {
    return { kind, text, mask, order: ++this.#found }
  }

  /** The origin of what an op gave: that of its inputs, or the op. */
  #through(op: string, inputs: readonly Tensor[], spot: Spot): Origin {
    const causes = inputs.flatMap((t) => {
      const bad = firstNonfinite(t)
      return bad === null ? [] : [{ bad, origin: this.#valueOrigin(t, bad, op) }]
    })
    const earliest = (some: typeof causes) => some.map((c) => c.origin).sort(byAge)[0] as Origin | undefined
    if (!Number.isNaN(spot.value)) return earliest(causes) ?? this.#origin('op', this.#told(op, inputs, spot))
    const nan = earliest(causes.filter(({ bad }) => Number.isNaN(bad.value)))
    if (nan !== undefined) return nan
    const infinite = earliest(causes)
    if (infinite === undefined || infinite.mask) return this.#origin('op', this.#told(op, inputs, spot))
    return { ...infinite, text: `${infinite.text}; then ${op}${inside(place())} gave NaN` }
  }

  #told(op: string, inputs: readonly Tensor[], spot: Spot): string {
    const from = inputs.map((t) => {
      const name = this.#names.get(t.storage)
      return `${name ? `${name} ` : ''}${formatShape(t.shape)}${rangeOf(t)}`
    })
    return `${op}${inside(place())} gave ${spot.value}${spot.at}, out of ${from.join(' and ')}`
  }

  #valueOrigin(t: Tensor, spot: Spot, op: string): Origin {
    const known = this.#values.get(t.storage)
    if (known !== undefined) return known
    const name = this.#names.get(t.storage)
    const home = this.#madeAt.get(t.storage)
    const what = t.rank === 0 ? 'a number' : 'a tensor'
    const from = home ? ` of ${home}` : `, read by ${op}${inside(place())},`
    const text = name ? `${name}${spot.index} is ${spot.value}` : `${what}${from} is ${spot.value}${spot.at}`
    const mask = name === undefined && spot.value === -Infinity
    const origin = this.#origin(name ? 'parameter' : 'tensor', text, mask)
    this.#values.set(t.storage, origin)
    return origin
  }
}
