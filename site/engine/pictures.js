// What cells import from 'site': pictures. A cell sends numbers and labels, never markup, and the page draws them:
// .vitepress/theme/Picture.vue.
import { send } from '../cells/send.js'

export { digits } from './digits.js'

const list = (values) => Array.from(values, Number)

/** A new frame of the picture `title`, behind those that it has. `control`: how a reader moves between frames. */
function frame(kind, title, { label = '', control = 'play' } = {}, marks) {
  send({ kind: 'picture', title: String(title), control, frame: { kind, label: String(label), ...marks } })
}

/** Lines and points: series is { name: { x, y, points? } }, options { label, x, y: [from, to] }. */
export function plot(title, series, options = {}) {
  const marks = Object.entries(series).map(([name, { x, y, points = false }]) => {
    const ys = list(y)
    return { name, x: x === undefined ? ys.map((_, i) => i) : list(x), y: ys, points: Boolean(points) }
  })
  frame('plot', title, options, { series: marks, range: { x: options.x ?? null, y: options.y ?? null } })
}

/** Bars: values is { name: number }; options { label, max }. */
export function bars(title, values, options = {}) {
  const marks = Object.entries(values).map(([name, value]) => ({ name, value: Number(value) }))
  frame('bars', title, options, { bars: marks, max: Number(options.max ?? 0) })
}

/** A grid of numbers from 0 to 1, rows from the top; points is [{ x, y, of }] in [0, 1], from the left and the top. */
export function heat(title, rows, options = {}) {
  const points = (options.points ?? []).map(({ x, y, of }) => ({
    x: Number(x),
    y: Number(y),
    of: Number(of),
  }))
  frame('heat', title, options, { rows: Array.from(rows, list), points })
}

/** How far each node lies from the leaves; a leaf stands right before the first that reads it. */
function depthsOf(tape) {
  const depths = []
  for (const node of tape.nodes)
    depths.push(Math.max(-1, ...tape.inputsOf(node).map(({ id }) => depths[id])) + 1)
  for (const node of tape.nodes) {
    const readers = tape.readersOf(node).map(({ id }) => depths[id])
    if (tape.inputsOf(node).length === 0 && readers.length > 0) depths[node.id] = Math.min(...readers) - 1
  }
  return depths
}

/**
 * The tape of trace(): a frame a node on the way forward, then one a node on the way back, for the button. `tensors` names
 * results, and leaves that trace() was not told of: { name: tensor }. Values of single numbers are shown.
 */
export function walk(title, tape, tensors = {}) {
  const given = new Map(Object.entries(tensors).map(([name, t]) => [tape.nodeOf(t), name]))
  const nameOf = (node) => given.get(node) ?? node.name ?? `v${node.id}`
  const single = (values) => (values?.length === 1 ? values[0] : null)
  const depths = depthsOf(tape)
  const nodes = tape.nodes.map((node) => ({
    ...{ name: nameOf(node), op: node.op, depth: depths[node.id], from: tape.inputsOf(node).map(nameOf) },
    ...{ value: single(node.value), grad: single(node.grad) },
  }))
  const show = (label, at, valued, graded) =>
    frame(
      'walk',
      title,
      { label, control: 'step' },
      {
        at: nodes[at].name,
        nodes: nodes.map((n, id) => ({
          ...n,
          value: valued.has(id) ? n.value : null,
          grad: graded.has(id) ? n.grad : null,
        })),
      },
    )
  const short = (value) => (value === null ? '...' : Number(value.toPrecision(5)))
  const valued = new Set()
  const inOrder = [...tape.nodes].sort((a, b) => depths[a.id] - depths[b.id])
  for (const { id } of inOrder) {
    valued.add(id)
    show(`forward: ${nodes[id].name} = ${short(nodes[id].value)}`, id, valued, new Set())
  }
  const graded = new Set()
  for (const { id } of tape.back) {
    graded.add(id)
    show(`back: the gradient of ${nodes[id].name} is ${short(nodes[id].grad)}`, id, valued, graded)
  }
}
