// The tape of one training step as rows that a page can draw: the ops of a trace() in the order in which they ran, those of a part of
// the model folded into one row.
import { brief } from '../.vitepress/theme/drawing.js'

/** Root mean square; of a single number the number itself. */
function size(values) {
  if (values === null) return null
  if (values.length === 1) return Number(values[0])
  return Math.sqrt(values.reduce((sum, x) => sum + Number(x) ** 2, 0) / values.length)
}

/** The part of a model that a parameter belongs to: 0 for the embeddings, then the layers, then the head. */
function partOf(name, layers) {
  const [, layer] = /\blayers?\.(\d+)\./.exec(name) ?? []
  if (layer !== undefined) return 1 + Number(layer)
  return /embedding/i.test(name) ? 0 : 1 + layers
}

/**
 * Of a trace, what can be sent to a page: { parts, ops }. An op's part is the last of those that it and what it read came from; what
 * ran behind the logits is the loss.
 */
export function tapeOf(tape, logits) {
  const named = tape.nodes.flatMap(({ name }) => (name === undefined ? [] : [name]))
  const layers = Math.max(0, ...named.map((name) => 1 + Number(/\blayers?\.(\d+)\./.exec(name)?.[1] ?? -1)))
  const parts = ['embeddings', ...Array.from({ length: layers }, (_, i) => `layer ${i + 1}`), 'head', 'loss']
  const end = tape.nodeOf(logits).id
  const part = new Map()
  for (const node of tape.nodes) {
    const inputs = tape.inputsOf(node)
    if (node.op === 'leaf') part.set(node.id, node.name === undefined ? 0 : partOf(node.name, layers))
    else
      part.set(node.id, node.id > end ? parts.length - 1 : Math.max(...inputs.map(({ id }) => part.get(id))))
  }
  const passed = new Map(tape.back.map(({ id }, i) => [id, i]))
  const ops = tape.nodes
    .filter(({ op }) => op !== 'leaf')
    .map((node) => {
      const inputs = tape.inputsOf(node)
      return {
        ...{ id: node.id, op: node.op, part: part.get(node.id), shape: [...node.shape] },
        ...{ value: size(node.value), grad: size(node.grad), passed: passed.get(node.id) ?? null },
        from: inputs.flatMap(({ id, op }) => (op === 'leaf' ? [] : [id])),
        reads: inputs.flatMap(({ name, shape }) => (name === undefined ? [] : [{ name, shape: [...shape] }])),
      }
    })
  return { parts, ops }
}

/** 'attention.self.query.weight, bias': without what the part says already. */
function parameters(reads) {
  const names = reads.map(({ name }) => name.replace(/^.*\blayers?\.\d+\.|^bert\./, ''))
  const before = names.length < 2 ? -1 : names[0].lastIndexOf('.') + 1
  const [first = '', ...rest] = names
  return [
    first,
    ...rest.map((name) => (name.startsWith(first.slice(0, before)) ? name.slice(before) : name)),
  ].join(', ')
}

const count = (shapes) => shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)

/** Rows of a tape, the ops of part `open` each on its own: { name, detail, shape, value, grad, passed, from: rows }. */
export function rowsOf({ parts, ops }, open) {
  const rows = []
  const rowOf = new Map()
  for (const [part, name] of parts.entries()) {
    const own = ops.filter((op) => op.part === part)
    if (own.length === 0) continue
    const weights = new Map(own.flatMap(({ reads }) => reads.map(({ name, shape }) => [name, shape])))
    if (part === open)
      for (const op of own) {
        rowOf.set(op.id, rows.length)
        rows.push({ ...op, name: op.op, inside: true, detail: parameters(op.reads) })
      }
    else {
      for (const op of own) rowOf.set(op.id, rows.length)
      const last = own.at(-1)
      const told =
        weights.size === 0 ? '' : `, ${count([...weights.values()]).toLocaleString('en-US')} parameters`
      rows.push({
        ...{ ...last, name, inside: false, from: own.flatMap(({ from }) => from) },
        detail: `${own.length} ops${told}`,
      })
    }
  }
  return rows.map((row, at) => ({
    ...row,
    from: [...new Set(row.from.map((id) => rowOf.get(id)))]
      .filter((from) => from !== at)
      .sort((a, b) => a - b),
  }))
}

const called = (shape) => (shape.length === 0 ? 'a number' : `[${shape.join(', ')}]`)

/** A frame a row on the way forward, then one a row that a gradient came to, in the order in which they came. */
export function framesOf(rows) {
  const frame = (at, back, label) => ({ kind: 'tape', rows, at, back, label })
  const forth = rows.map(({ name, shape, value }, at) =>
    frame(at, null, `forward: ${name} gives ${called(shape)}, ${brief(value)}`),
  )
  const order = [...rows.keys()]
    .filter((at) => rows[at].passed !== null)
    .sort((a, b) => rows[a].passed - rows[b].passed)
  const back = order.map((at, i) =>
    frame(at, order.slice(0, i + 1), `back: the gradient of ${rows[at].name} is ${brief(rows[at].grad)}`),
  )
  return [...forth, ...back]
}
