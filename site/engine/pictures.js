// What cells import from 'site': pictures. A cell sends numbers and labels, never markup, and the page draws them:
// .vitepress/theme/Picture.vue.
import { send } from '../cells/send.js'

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

/** How far a node lies from the leaves. */
function depthOf(node, inputs, depths) {
  if (!depths.has(node))
    depths.set(node, Math.max(-1, ...inputs.get(node).map((it) => depthOf(it, inputs, depths))) + 1)
  return depths.get(node)
}

/**
 * Tensors of one number, by name, in the order they were made: one frame a node on the way forward, then one a node on the way
 * back, for the button. Call it after backward(); what should show a gradient needs retainGrad().
 */
export function walk(title, tensors) {
  const names = Object.keys(tensors)
  const origin = (t) => t.node ?? t
  const byOrigin = new Map(names.map((name) => [origin(tensors[name]), name]))
  const inputs = new Map(
    names.map((name) => [
      name,
      (tensors[name].node?.edges ?? []).map((edge) => byOrigin.get(edge)).filter((it) => it !== undefined),
    ]),
  )
  const depths = new Map()
  for (const name of names) depthOf(name, inputs, depths)
  // A leaf stands right before the first that reads it.
  for (const name of names) {
    const readers = names.filter((it) => inputs.get(it).includes(name)).map((it) => depths.get(it))
    if (inputs.get(name).length === 0 && readers.length > 0) depths.set(name, Math.min(...readers) - 1)
  }
  const nodes = names.map((name) => {
    const t = tensors[name]
    const of = t.node === null || t.node === undefined ? 'leaf' : t.node.name
    return {
      ...{ name, op: of, depth: depths.get(name), from: inputs.get(name) },
      ...{ value: t.item(), grad: t.grad ? t.grad.item() : null },
    }
  })
  const order = [...nodes].sort((a, b) => a.depth - b.depth)
  const show = (label, valued, graded, at) =>
    frame(
      'walk',
      title,
      { label, control: 'step' },
      {
        at,
        nodes: nodes.map((n) => ({
          ...n,
          value: valued.has(n.name) ? n.value : null,
          grad: graded.has(n.name) ? n.grad : null,
        })),
      },
    )
  const valued = new Set()
  for (const n of order) {
    valued.add(n.name)
    show(`forward: ${n.name} = ${Number(n.value.toPrecision(5))}`, valued, new Set(), n.name)
  }
  const graded = new Set()
  for (const n of order.reverse()) {
    graded.add(n.name)
    const g = n.grad === null ? 'not kept' : Number(n.grad.toPrecision(5))
    show(`back: the gradient of ${n.name} is ${g}`, valued, graded, n.name)
  }
}
