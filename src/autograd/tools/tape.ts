// The graph behind a tensor as data, and as text that Graphviz and Mermaid draw.
import { ArgumentError, got } from '../../errors.js'
import { optionsArg, tensorArg } from '../../tensor/check.js'
import type { Shape } from '../../tensor/shape.js'
import { formatShape } from '../../tensor/shape.js'
import type { DType } from '../../tensor/storage.js'
import type { Tensor } from '../../tensor/tensor.js'
import { Node } from '../node.js'

/** An op that ran, or a leaf. */
export interface TapeNode {
  readonly id: number
  /** The op that ran; 'leaf' where none did. */
  readonly op: string
  /** Of what the op gave. */
  readonly shape: Shape
  readonly dtype: DType
  readonly requiresGrad: boolean
  /** A leaf's, where `names` knows it. */
  readonly name?: string
}

/** A result was computed from a node. */
export interface TapeEdge {
  readonly from: number
  readonly to: number
  /** Which input of `to` it is. */
  readonly input: number
}

/** Leaves by name, or what has named parameters: a Module. */
export type LeafNames =
  | ReadonlyMap<string, Tensor>
  | Readonly<Record<string, Tensor>>
  | { namedParameters(): Iterable<readonly [string, Tensor]> }

const hasParameters = (
  names: LeafNames,
): names is { namedParameters(): Iterable<readonly [string, Tensor]> } =>
  typeof (names as { namedParameters?: unknown }).namedParameters === 'function'

/** Names by leaf. `who` asks for them, for the error. */
export function namesOf(who: string, names: LeafNames): Map<Tensor, string> {
  if (typeof names !== 'object' || names === null)
    throw new ArgumentError(who, `names must be a module, a map or an object of leaves, got ${got(names)}`)
  const pairs: Iterable<readonly [string, Tensor]> = hasParameters(names)
    ? names.namedParameters()
    : names instanceof Map
      ? names
      : Object.entries(names as Record<string, Tensor>)
  return new Map(Array.from(pairs, ([name, t]) => [t, name]))
}

/** Text inside double quotes, for both languages. */
const quoted = (text: string, quote: string) => text.replaceAll('\\', '\\\\').replaceAll('"', quote)

/** What graph() gives: nodes from the leaves to the result, which is the last. A node's id is its place among them. */
export class Tape<N extends TapeNode = TapeNode> {
  /** Edges by the node that they lead to, and by the one that they come from: made when somebody walks. */
  #walked: { to: Map<number, TapeEdge[]>; from: Map<number, TapeEdge[]> } | null = null

  constructor(
    /** Every node comes after those that it reads. */
    readonly nodes: readonly N[],
    readonly edges: readonly TapeEdge[],
  ) {}

  #edges() {
    const by = (end: 'to' | 'from') => {
      const lists = new Map<number, TapeEdge[]>()
      for (const edge of this.edges) {
        const list = lists.get(edge[end])
        // A leaf may have many thousand readers.
        if (list === undefined) lists.set(edge[end], [edge])
        else list.push(edge)
      }
      return lists
    }
    this.#walked ??= { to: by('to'), from: by('from') }
    return this.#walked
  }

  /** One step back: the nodes that `node` was computed from, in the order of its op's inputs. */
  inputsOf(node: TapeNode): N[] {
    return (this.#edges().to.get(node.id) ?? []).map(({ from }) => this.nodes[from])
  }

  /** One step forward: the nodes that were computed from `node`, each once. */
  readersOf(node: TapeNode): N[] {
    return [...new Set((this.#edges().from.get(node.id) ?? []).map(({ to }) => to))].map(
      (to) => this.nodes[to],
    )
  }

  #label(n: TapeNode): string[] {
    const dtype = n.dtype === 'float32' ? '' : ` ${n.dtype}`
    return [n.name === undefined ? n.op : n.name, formatShape(n.shape) + dtype]
  }

  /** For Graphviz: dot -Tsvg. */
  toDot(): string {
    const nodes = this.nodes.map((n) => {
      const label = this.#label(n)
        .map((line) => quoted(line, '\\"'))
        .join('\\n')
      return `  n${n.id} [label="${label}"${n.op === 'leaf' ? ', shape=box' : ''}]`
    })
    const edges = this.edges.map(({ from, to }) => `  n${from} -> n${to}`)
    return ['digraph {', ...nodes, ...edges, '}', ''].join('\n')
  }

  /** For Mermaid, as Markdown pages show it. */
  toMermaid(): string {
    const nodes = this.nodes.map((n) => {
      const label = `"${this.#label(n)
        .map((line) => quoted(line, '#quot;'))
        .join('<br>')}"`
      return `  n${n.id}${n.op === 'leaf' ? `[${label}]` : `(${label})`}`
    })
    const edges = this.edges.map(({ from, to }) => `  n${from} --> n${to}`)
    return ['flowchart TD', ...nodes, ...edges, ''].join('\n')
  }
}

/**
 * The graph that `t` was computed by, as far as gradients pass: ops as nodes, and the leaves that require one. Composites
 * show as the ops in them, checkpoint() as one node. Still there after backward() has freed what it saved. `names`: a
 * module, or leaves by name. A tensor without a graph is a single node.
 */
export function graph(t: Tensor, options: { names?: LeafNames } = {}): Tape {
  tensorArg('graph', 'the input', t)
  const { names = {} } = optionsArg('graph', options, { names: 'any' })
  const known = namesOf('graph', names)
  const ids = new Map<Node | Tensor, number>()
  const facts = new Map<Node | Tensor, { shape: Shape; dtype: DType }>()
  const root = t.node instanceof Node ? t.node : t
  facts.set(root, { shape: t.shape, dtype: t.dtype })
  const stack = [root]
  const leaves: Tensor[] = []
  const ops: Node[] = []
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (!(at instanceof Node)) {
      leaves.push(at)
      continue
    }
    ops.push(at)
    for (const [i, from] of at.edges.entries()) {
      if (from === null || facts.has(from)) continue
      facts.set(from, from instanceof Node ? { shape: at.shapes[i], dtype: at.dtype } : from)
      stack.push(from)
    }
  }
  ops.sort((a, b) => a.id - b.id)
  const order = [...leaves, ...ops]
  for (const [i, it] of order.entries()) ids.set(it, i)
  const nodes = order.map((it, id): TapeNode => {
    const { shape, dtype } = facts.get(it) as { shape: Shape; dtype: DType }
    if (it instanceof Node) return { id, op: it.name, shape, dtype, requiresGrad: true }
    const name = known.get(it)
    const leaf = { id, op: 'leaf', shape, dtype, requiresGrad: it.requiresGrad }
    return name === undefined ? leaf : { ...leaf, name }
  })
  const edges = ops.flatMap((to) =>
    to.edges.flatMap((from, input) =>
      from === null ? [] : [{ from: ids.get(from) as number, to: ids.get(to) as number, input }],
    ),
  )
  return new Tape(nodes, edges)
}
