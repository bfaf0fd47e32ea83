// The house as one picture: a band a floor, its rooms as wide as they have lines, and on the right who imports from whom.
import type { SourceFile } from './read.js'
import { floorOf, floors } from './rules.js'

/** What each floor is for, in a line. */
export const purposes: Readonly<Record<(typeof floors)[number], string>> = {
  tensor: 'numbers in one shared memory, kernels that compute on them',
  autograd: 'one record an op; the graph, backward, gradient checks',
  nn: 'modules, layers, optimizers, models: nothing here reads a file',
  formats: 'safetensors, config.json, tokenizer.json: bytes in, values out',
  text: 'tokenizers, rows and labels, batches, masking: no files',
  files: 'the disk and the network: folders, caches, checkpoints, locks, hub',
  train: 'the loop: steps, evaluation, the state of a run, metrics',
  report: 'charts and pages, drawn from what they are given',
  distill: 'losses, plans, recipes, teachers, augmentation, the doctor',
  cli: 'the commands: options in, files and lines out',
}

const WIDTH = 1000
const LEFT = 24
/** Where the rooms end and the arcs begin. */
const EDGE = 724
/** What a band takes without its rooms, and what a row of those takes. */
const HEAD = 44
const ROW = 42
const GAP = 10
const TOP = 20

interface Room {
  name: string
  files: number
  lines: number
}

/** The folders of a floor, largest first; what lies beside them is a room too. */
function roomsOf(floor: string, files: readonly SourceFile[]): Room[] {
  const rooms = new Map<string, Room>()
  for (const { path, lines } of files) {
    const parts = path.split('/')
    if (parts[0] !== floor) continue
    const name = parts.length > 2 ? parts[1] : ''
    const room = rooms.get(name) ?? { name, files: 0, lines: 0 }
    rooms.set(name, { name, files: room.files + 1, lines: room.lines + lines })
  }
  const rounded = Array.from(rooms.values(), (r) => ({ ...r, lines: about(r.lines) }))
  return rounded.sort((a, b) => b.lines - a.lines || (a.name < b.name ? -1 : 1))
}

/** How many imports of files of one floor go to files of another. */
function trafficOf(files: readonly SourceFile[]): { from: number; to: number; imports: number }[] {
  const counts = new Map<string, number>()
  for (const { path, imports } of files)
    for (const other of imports) {
      const [from, to] = [floorOf(path), floorOf(other)]
      if (from < 0 || to < 0 || from === to) continue
      counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1)
    }
  return Array.from(counts, ([key, imports]) => {
    const [from, to] = key.split(' ').map(Number)
    return { from, to, imports }
  }).sort((a, b) => a.from - b.from || a.to - b.to)
}

/** Two digits: the picture is to change with the house, not with every line. */
const about = (n: number) => Number(n.toPrecision(2))

const WITHIN = EDGE - LEFT - 24
/** A room is wide enough for its name. */
const least = ({ name }: Room) => 16 + 6.4 * Math.max(name.length, 5)
const wide = (row: readonly Room[]) => row.reduce((sum, room) => sum + least(room) + 6, 0)

/** Rooms side by side as far as they go, then another row. */
function rowsOf(rooms: readonly Room[]): Room[][] {
  const rows: Room[][] = [[]]
  for (const room of rooms) {
    if (wide([...rows[rows.length - 1], room]) > WITHIN + 6) rows.push([])
    rows[rows.length - 1].push(room)
  }
  return rows
}

const linesOf = (rooms: readonly Room[]) => rooms.reduce((sum, r) => sum + r.lines, 0)

const heightOf = (rooms: readonly Room[]) => HEAD + ROW * rowsOf(rooms).length

/** Where each floor begins, the highest at the top, and where the picture ends. */
function topsOf(files: readonly SourceFile[]): { tops: number[]; end: number } {
  const tops: number[] = []
  let end = TOP
  for (let floor = floors.length - 1; floor >= 0; floor--) {
    tops[floor] = end
    end += heightOf(roomsOf(floors[floor], files)) + GAP
  }
  return { tops, end: end - GAP }
}

function boxOf({ name, lines }: Room, x: number, y: number, width: number): string {
  return [
    `<rect class="room" x="${x}" y="${y}" width="${width}" height="36" rx="4"/>`,
    `<text class="name" x="${x + 8}" y="${y + 15}">${name === '' ? '(files)' : name}</text>`,
    `<text class="small" x="${x + 8}" y="${y + 29}">${lines.toLocaleString('en-US')}</text>`,
  ].join('')
}

function band(floor: number, files: readonly SourceFile[], y: number, most: number): string {
  const name = floors[floor]
  const rooms = roomsOf(name, files)
  const lines = linesOf(rooms)
  const count = rooms.reduce((sum, r) => sum + r.files, 0)
  const rows = rowsOf(rooms)
  const boxes = rows.flatMap((row, at) => {
    const spare = WITHIN + 6 - wide(row)
    // The largest floor of one row fills its band, as the largest row of several does.
    const all = rows.length > 1 ? Math.max(...rows.map(linesOf)) : most
    let x = LEFT + 12
    return row.map((r) => {
      const width = Math.round(least(r) + (spare * r.lines) / all)
      const box = boxOf(r, x, y + 40 + ROW * at, width)
      x += width + 6
      return box
    })
  })
  return [
    `<rect class="band" x="${LEFT}" y="${y}" width="${EDGE - LEFT}" height="${heightOf(rooms)}" rx="6"/>`,
    `<text class="floor" x="${LEFT + 12}" y="${y + 25}">src/${name}</text>`,
    `<text class="what" x="${LEFT + 128}" y="${y + 25}">${purposes[name]}</text>`,
    `<text class="small end" x="${EDGE - 12}" y="${y + 25}">${count} files, ${about(lines).toLocaleString('en-US')} lines</text>`,
    ...boxes,
  ].join('\n')
}

/** From the lower half of the floor that imports to the upper half of the one that is imported, farther ones farther out. */
function arc(
  { from, to, imports }: { from: number; to: number; imports: number },
  tops: readonly number[],
): string {
  const span = from - to
  const y1 = tops[from] + 46 + 4 * span
  const y2 = tops[to] + 40 - 4 * span
  const out = Math.round(EDGE + 24 + 24 * span)
  // Doubled imports, one step thicker.
  const width = 0.8 * (1 + Math.floor(Math.log2(imports)))
  return `<path class="arc f${from}" stroke-width="${width.toFixed(1)}" d="M${EDGE} ${y1}C${out} ${y1} ${out} ${y2} ${EDGE + 5} ${y2}" marker-end="url(#tip)"><title>${floors[from]} imports ${floors[to]}</title></path>`
}

const STYLE = `
.band{fill:#f4f6f8;stroke:#c9d1d9}
.room{fill:#dbe7f3;stroke:#9db8d2}
.floor{font-weight:700;font-size:15px}
.what{font-size:13px}
.name{font-size:12px}
.small{font-size:11px;fill:#57606a}
.end{text-anchor:end}
.arc{fill:none;stroke:#4d7ea8;stroke-opacity:.62}
text{font-family:system-ui,sans-serif;fill:#1f2328}
#ground{fill:#fff}
@media (prefers-color-scheme:dark){#ground{fill:#0d1117}.band{fill:#161b22;stroke:#30363d}.room{fill:#1f3550;stroke:#3f6184}text{fill:#e6edf3}.small{fill:#9198a1}.arc{stroke:#79b0e0}}`

/** The same files give the same picture. */
export function drawMap(files: readonly SourceFile[]): string {
  const most = Math.max(
    ...floors
      .map((floor) => roomsOf(floor, files))
      .map((rooms) => (rowsOf(rooms).length > 1 ? 0 : linesOf(rooms))),
  )
  const { tops, end } = topsOf(files)
  const height = end + 44
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="The floors of tinystill, the rooms in them with their lines, and which floor imports from which">`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L6 3L0 6z" fill="#4d7ea8"/></marker></defs>',
    `<rect id="ground" width="${WIDTH}" height="${height}"/>`,
    ...trafficOf(files).map((it) => arc(it, tops)),
    ...floors.map((_, i) => band(i, files, tops[i], most)).reverse(),
    `<text class="small" x="${LEFT}" y="${height - 18}">Boxes are folders with their lines to two digits, (files) those that lie beside them. Arcs are imports, thicker where there are more; all run downwards.</text>`,
    '</svg>',
    '',
  ].join('\n')
}
