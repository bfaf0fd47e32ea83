// The one script of a page, as text: its policy names the hash. It makes elements and sets their text, never markup.

/** Turns temperatures and draws attention. Each part finds its data in the island that stands beside it. */
export const PAGE_SCRIPT = `'use strict'
const dataOf = (box) => JSON.parse(box.querySelector('script').textContent)
const said = (share) => (share > 0 && share < 0.1 ? '< 0.1%' : share.toFixed(1) + '%')

for (const box of document.querySelectorAll('.soft-targets')) {
  const texts = dataOf(box)
  const [slider, output] = [box.querySelector('input'), box.querySelector('output')]
  const tables = [...box.querySelectorAll('tbody')]
  const turn = () => {
    const T = Number(slider.value)
    output.textContent = T.toFixed(1)
    texts.forEach((bars, i) => {
      const top = Math.max(...bars.flat())
      const shares = bars.map((logits) => logits.reduce((sum, z) => sum + Math.E ** ((z - top) / T), 0))
      const all = shares.reduce((a, b) => a + b, 0)
      shares.forEach((share, j) => {
        const cell = tables[i].rows[j].cells[1]
        const percent = (100 * share) / all
        if (!Number.isFinite(percent)) return
        cell.querySelector('span').textContent = said(percent)
        cell.querySelector('rect').setAttribute('width', percent.toFixed(2))
      })
    })
  }
  slider.addEventListener('input', turn)
  // A browser may bring back where the slider stood.
  turn()
}

const [CELL, LEFT, TOP, LONGEST] = [20, 100, 90, 12]
const short = (word) => (word.length > LONGEST ? word.slice(0, LONGEST - 1) + '\\u2026' : word)

function make(parent, name, attributes, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const key in attributes) element.setAttribute(key, attributes[key])
  if (text !== undefined) element.textContent = text
  parent.append(element)
  return element
}

/** Attention [T, T] in [0, 1] of one head, or of head -1 the mean of all. */
function attentionOf({ heads }, { words, bytes }, layer, head) {
  const size = words.length ** 2
  const before = heads.slice(0, layer).reduce((sum, n) => sum + n, 0)
  // A layer may have fewer heads than another: beyond its last it shows that one.
  const own = head < 0 ? [...Array(heads[layer]).keys()] : [Math.min(head, heads[layer] - 1)]
  const of = (h, i) => bytes[(before + h) * size + i]
  return Array.from({ length: size }, (_, i) => own.reduce((sum, h) => sum + of(h, i), 0) / own.length / 255)
}

/** The darkest cell is the largest attention of this map. */
function draw(svg, { words }, values, color) {
  const T = words.length
  const largest = Math.max(...values)
  svg.replaceChildren()
  svg.setAttribute('viewBox', '0 0 ' + (LEFT + T * CELL + 60) + ' ' + (TOP + T * CELL))
  words.forEach((word, i) => {
    const middle = i * CELL + CELL / 2
    make(svg, 'text', { x: LEFT - 6, y: TOP + middle + 5, 'text-anchor': 'end', 'font-size': 13 }, short(word))
    const place = [LEFT + middle + 4, TOP - 6]
    make(svg, 'text', { x: place[0], y: place[1], 'font-size': 13, transform: 'rotate(-50 ' + place + ')' }, short(word))
  })
  make(svg, 'rect', { x: LEFT, y: TOP, width: T * CELL, height: T * CELL, class: 'frame' })
  values.forEach((value, i) => {
    const at = { x: LEFT + (i % T) * CELL, y: TOP + Math.floor(i / T) * CELL, width: CELL - 1, height: CELL - 1 }
    const cell = make(svg, 'rect', { ...at, fill: color, 'fill-opacity': (value / largest || 0).toFixed(3) })
    const pair = words[Math.floor(i / T)] + ' \\u2192 ' + words[i % T]
    make(cell, 'title', {}, pair + ': ' + (100 * value).toFixed(1) + '%')
  })
}

for (const box of document.querySelectorAll('.attention')) {
  const data = dataOf(box)
  for (const { texts } of [data.student, data.teacher])
    for (const text of texts) text.bytes = Uint8Array.from(atob(text.maps), (c) => c.charCodeAt(0))
  const select = (name) => box.querySelector('select[name=' + name + ']')
  const chosen = (name) => Number(select(name).value)
  const [maps, notes] = [box.querySelectorAll('.map'), box.querySelectorAll('figcaption span')]
  const show = () => {
    ;['student', 'teacher'].forEach((who, i) => {
      const side = data[who]
      const text = side.texts[chosen('text')]
      const values = attentionOf(side, text, chosen(who + '-layer'), chosen(who + '-head') - 1)
      draw(maps[i], text, values, 'var(--c' + i + ')')
      notes[i].textContent = ', at most ' + (100 * Math.max(...values)).toFixed(0) + '%'
    })
  }
  box.addEventListener('change', (event) => {
    if (event.target === select('student-layer'))
      select('teacher-layer').value = data.pairs[chosen('student-layer')]
    show()
  })
  show()
}
`
