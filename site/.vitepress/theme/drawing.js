// Frames to SVG elements, as data: { box, marks: [{ tag, attrs, text }], text }. Everything that comes from a cell is a
// number or a text node.

const PLACES = 6
const num = (value) => (Number.isFinite(value) ? Number(value.toFixed(2)) : 0)
const short = (value) => (value === null ? '' : String(Number(value.toPrecision(3))))
const text = (x, y, words, more = {}) => ({
  tag: 'text',
  attrs: { x: num(x), y: num(y), class: 'mark-text', ...more },
  text: words,
})
const line = (x1, y1, x2, y2, cls) => ({
  tag: 'line',
  attrs: { x1: num(x1), y1: num(y1), x2: num(x2), y2: num(y2), class: cls },
})

/** The numbers' ends, a little apart where all are one. */
function ends(values, given) {
  if (Array.isArray(given) && given.length === 2) return given.map(Number)
  const finite = values.filter(Number.isFinite)
  const lo = finite.reduce((a, b) => Math.min(a, b), Infinity)
  const hi = finite.reduce((a, b) => Math.max(a, b), -Infinity)
  if (!(lo <= hi)) return [0, 1]
  return lo === hi ? [lo - 0.5, hi + 0.5] : [lo, hi]
}

/** The axes are those of all frames, so that a moving line moves and its axes do not. */
export function plotOf(frame, frames) {
  const [width, height, left, bottom, top] = [400, 240, 46, 30, 26]
  const all = frames.flatMap((f) => f.series ?? [])
  const [x0, x1] = ends(
    all.flatMap((s) => s.x),
    frame.range?.x,
  )
  const [y0, y1] = ends(
    all.flatMap((s) => s.y),
    frame.range?.y,
  )
  const px = (x) => left + ((x - x0) / (x1 - x0)) * (width - left - 12)
  const py = (y) => height - bottom - ((y - y0) / (y1 - y0)) * (height - bottom - top)
  const marks = [
    line(left, height - bottom, width - 12, height - bottom, 'axis'),
    line(left, height - bottom, left, top, 'axis'),
    text(left, height - 10, short(x0)),
    text(width - 12, height - 10, short(x1), { 'text-anchor': 'end' }),
    text(left - 6, height - bottom, short(y0), { 'text-anchor': 'end' }),
    text(left - 6, top + 8, short(y1), { 'text-anchor': 'end' }),
  ]
  const names = [...new Set(all.map((s) => s.name))]
  let along = left + 8
  const colourOf = (name) =>
    `of-${(all.find((s) => s.name === name)?.colour ?? names.indexOf(name)) % PLACES}`
  for (const name of names) {
    const colour = colourOf(name)
    marks.push(
      { tag: 'rect', attrs: { x: num(along), y: 6, width: 10, height: 10, class: `fill ${colour}` } },
      text(along + 14, 15, name),
    )
    along += 26 + name.length * 7
  }
  for (const { name, x, y, points } of frame.series ?? []) {
    const colour = colourOf(name)
    const places = x
      .map((v, i) => [px(v), py(y[i])])
      .filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b))
    if (points)
      marks.push(
        ...places.map(([cx, cy]) => ({
          tag: 'circle',
          attrs: { cx: num(cx), cy: num(cy), r: 3.5, class: `fill ${colour}` },
        })),
      )
    else
      marks.push({
        tag: 'polyline',
        attrs: { points: places.map((p) => p.map(num).join(',')).join(' '), class: `stroke ${colour}` },
      })
  }
  const said = (frame.series ?? []).map(({ name, y }) => `${name} ends at ${short(y.at(-1) ?? null)}`)
  return { box: `0 0 ${width} ${height}`, marks, text: said.join(', ') }
}

export function barsOf(frame, frames) {
  const all = frames.flatMap((f) => f.bars ?? [])
  const most = frame.max || Math.max(...all.map((b) => b.value), 1e-9)
  const height = 12 + 30 * (frame.bars ?? []).length
  const marks = (frame.bars ?? []).flatMap(({ name, value }, i) => {
    const y = 10 + 30 * i
    const wide = Math.max(0, Math.min(1, value / most)) * 240
    return [
      text(90, y + 15, name, { 'text-anchor': 'end' }),
      { tag: 'rect', attrs: { x: 98, y, width: num(wide), height: 20, class: `fill of-${i % PLACES}` } },
      text(104 + wide, y + 15, String(Number(value.toFixed(4)))),
    ]
  })
  const said = (frame.bars ?? []).map(({ name, value }) => `${name} ${short(value)}`)
  return { box: `0 0 400 ${height}`, marks, text: said.join(', ') }
}

export function heatOf(frame) {
  const size = 320
  const rows = frame.rows ?? []
  const high = size / Math.max(1, rows.length)
  const marks = rows.flatMap((row, r) =>
    row.map((value, c) => {
      const wide = size / row.length
      const side = value < 0.5 ? 'of-0' : 'of-1'
      const sure = num(Math.min(1, Math.abs(value - 0.5) * 2) * 0.6)
      const place = { x: num(c * wide), y: num(r * high), width: num(wide), height: num(high) }
      const look = { class: `fill ${side}`, 'fill-opacity': sure, 'shape-rendering': 'crispEdges' }
      return { tag: 'rect', attrs: { ...place, ...look } }
    }),
  )
  for (const { x, y, of } of frame.points ?? [])
    marks.push({
      tag: 'circle',
      attrs: { cx: num(x * size), cy: num(y * size), r: 4, class: `fill edged of-${of % PLACES}` },
    })
  return {
    box: `0 0 ${size} ${size}`,
    marks,
    text: `${rows.length} rows, ${(frame.points ?? []).length} points`,
  }
}

/** Nodes by columns of depth, leaves on the left. */
export function walkOf(frame) {
  const nodes = frame.nodes ?? []
  const deepest = Math.max(0, ...nodes.map((n) => n.depth))
  const columns = Array.from({ length: deepest + 1 }, (_, d) => nodes.filter((n) => n.depth === d))
  const tallest = Math.max(1, ...columns.map((c) => c.length))
  const [wide, high, boxWide, boxHigh] = [136, 84, 108, 62]
  const place = new Map(
    columns.flatMap((column, d) =>
      column.map((n, i) => [
        n.name,
        [d * wide + 8, (i + (tallest - column.length) / 2) * high + (high - boxHigh) / 2],
      ]),
    ),
  )
  const marks = []
  for (const n of nodes)
    for (const from of n.from) {
      const [x1, y1] = place.get(from)
      const [x2, y2] = place.get(n.name)
      marks.push(line(x1 + boxWide, y1 + boxHigh / 2, x2, y2 + boxHigh / 2, 'axis'))
    }
  for (const n of nodes) {
    const [x, y] = place.get(n.name)
    const here = n.name === frame.at ? 'node here' : 'node'
    marks.push(
      { tag: 'rect', attrs: { x: num(x), y: num(y), width: boxWide, height: boxHigh, rx: 6, class: here } },
      text(x + 8, y + 18, n.op === 'leaf' ? n.name : `${n.name} = ${n.op}`, { class: 'mark-text strong' }),
      text(x + 8, y + 36, n.value === null ? '' : `value ${short(n.value)}`),
      text(x + 8, y + 53, n.grad === null ? '' : `grad ${short(n.grad)}`, { class: 'mark-text grad' }),
    )
  }
  return { box: `0 0 ${(deepest + 1) * wide} ${tallest * high}`, marks, text: '' }
}

/** Words by words: each row's shares of the columns, on the row's own scale. */
export function gridOf(frame) {
  const { words, values } = frame
  const n = words.length
  const [left, top, cell] = [96, 96, 22]
  const brief = (word) => (word.length > 12 ? `${word.slice(0, 11)}\u2026` : word)
  const marks = []
  for (const [i, word] of words.entries()) {
    const middle = i * cell + cell / 2
    const turned = `rotate(-60 ${num(left + middle)} ${top - 6})`
    marks.push(
      text(left - 6, top + middle + 4, brief(word), { 'text-anchor': 'end' }),
      text(left + middle, top - 6, brief(word), { transform: turned }),
    )
    const row = values.slice(i * n, (i + 1) * n)
    const most = Math.max(...row, 1e-9)
    for (const [j, value] of row.entries())
      marks.push({
        tag: 'rect',
        attrs: {
          ...{ x: num(left + j * cell), y: num(top + i * cell), width: cell - 1, height: cell - 1 },
          ...{ class: 'fill of-0', 'fill-opacity': num(0.05 + (0.95 * value) / most) },
        },
      })
  }
  const looks = words.map((word, i) => {
    const row = values.slice(i * n, (i + 1) * n)
    return `${word} to ${words[row.indexOf(Math.max(...row))]}`
  })
  return { box: `0 0 ${left + n * cell + 40} ${top + n * cell + 4}`, marks, text: looks.join(', ') }
}

/** Three digits, small ones as powers of ten: they stand in a narrow place. */
export const brief = (value) =>
  value !== null && value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(1).replace('e-', 'e\u2212')
    : short(value)
const fitted = (words, most) => (words.length > most ? `${words.slice(0, most - 1)}\u2026` : words)

/** A row an op or a part of the model, from the top; what a row read that is not right above it comes along the left. */
export function tapeOf({ rows, at, back }) {
  const [high, gap, lane, lanes, wide] = [68, 6, 9, 6, 360]
  const left = lanes * lane + 8
  const middle = (row) => row * high + high / 2
  const marks = []
  for (const [to, { from }] of rows.entries())
    for (const source of from) {
      // Long ways lie further out, so that none hides another.
      const x = left - lane * Math.min(lanes, Math.ceil(Math.log2(to - source)))
      const d =
        to - source === 1
          ? `M${left + 20} ${to * high - gap}V${to * high + gap}`
          : `M${left} ${middle(source)}H${x}V${middle(to)}H${left}`
      marks.push({ tag: 'path', attrs: { d, class: 'way' } })
    }
  const right = { 'text-anchor': 'end' }
  for (const [i, row] of rows.entries()) {
    const y = i * high
    const look = `node${i === at ? ' here' : ''}${row.inside ? '' : ' folded'}`
    const box = { x: left, y: y + gap, width: wide - left - 2, height: high - 2 * gap, rx: 6 }
    marks.push(
      { tag: 'rect', attrs: { ...box, class: look } },
      text(left + 10, y + 22, row.name, { class: 'mark-text strong' }),
      text(wide - 12, y + 22, row.shape.length === 0 ? 'a number' : `[${row.shape.join(', ')}]`, right),
      text(left + 10, y + 38, fitted(row.detail, 44), { class: 'mark-text small' }),
    )
    if (back !== null || i <= at)
      marks.push(text(left + 10, y + 54, `value ${brief(row.value)}`, { class: 'mark-text small' }))
    if (back?.includes(i))
      marks.push(
        text(wide - 12, y + 54, `gradient ${brief(row.grad)}`, { ...right, class: 'mark-text small grad' }),
      )
  }
  return { box: `0 0 ${wide} ${rows.length * high}`, marks, text: `${rows.length} rows` }
}
