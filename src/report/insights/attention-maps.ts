// What student and teacher attend to in a few short texts, in bytes that a page can hold.
import { tidy } from '../../autograd/tidy.js'
import { blocksOf, type TransformerConfig } from '../../nn/models/config.js'
import { ints } from '../../tensor/tensor.js'
import { padInput } from '../../text/batches.js'
import type { AttentionSide } from '../page/attention.js'
import type { ReportSection } from '../report.js'
import { look, type Reading } from './reading.js'

const TEXTS = 3
/** Words of a text that makes a map worth looking at and small enough to read; special ones count. */
const [FEWEST, MOST] = [6, 18]
/** Of all maps together; a page is a third larger than its bytes. */
const ROOM = 800_000

type Text = AttentionSide['texts'][number]

/** bytes as base64, in browsers too. */
function base64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** A text's words, and of each layer the probabilities [heads, words, words]. */
export function attentionOf(reading: Reading, row: number): { words: string[]; maps: Float32Array[] } {
  return tidy(() => {
    const input = padInput(reading.data.input(Int32Array.of(row)), reading.tokenizer.padId)
    const { attentionProbs = [] } = look(reading, input, { attentionProbs: true })
    return {
      words: Array.from(ints(input.inputIds), (id) => reading.tokenizer.vocabulary[id] ?? String(id)),
      maps: attentionProbs.map(({ elements }) => Float32Array.from(elements)),
    }
  })
}

function textOf(reading: Reading, row: number): Text {
  const { words, maps } = attentionOf(reading, row)
  const bytes = new Uint8Array(maps.reduce((n, map) => n + map.length, 0))
  let at = 0
  for (const map of maps) for (const p of map) bytes[at++] = Math.round(p * 255)
  return { words, maps: base64(bytes) }
}

/** Of each layer. */
const headsOf = (config: TransformerConfig) => blocksOf(config).map(({ heads }) => heads)

/** Whether there is anything to be shown of it. */
const attends = ({ model }: Reading) => model.family.body === 'blocks' && model.config.layers > 0

/** Rows of short texts, as many as there is room for. */
function chosenRows(sides: readonly Reading[]): number[] {
  const [{ data }] = sides
  const lengths = (row: number) => sides.map((side) => side.data.tokens(Int32Array.of(row)))
  const rows: number[] = []
  let bytes = 0
  for (let row = 0; row < data.size && rows.length < TEXTS; row++) {
    const words = lengths(row)
    if (!words.every((n) => n >= FEWEST && n <= MOST)) continue
    const own = sides.reduce(
      (sum, { model: { config } }, i) => sum + headsOf(config).reduce((n, h) => n + h, 0) * words[i] ** 2,
      0,
    )
    if (bytes + own > ROOM) continue
    bytes += own
    rows.push(row)
  }
  return rows
}

/** The teacher's layer beside each of the student's, from 0: every k-th, or the nearest where depths do not divide. */
export const pairedLayers = (student: number, teacher: number): number[] =>
  Array.from({ length: student }, (_, s) => Math.max(0, Math.round(((s + 1) * teacher) / student) - 1))

/** null where a model has no attention or no text is short enough. */
export function attentionMaps(
  student: Reading,
  teacher: Reading,
  texts: readonly string[],
): ReportSection | null {
  const sides = [student, teacher] as const
  if (!sides.every(attends)) return null
  const rows = chosenRows(sides)
  if (rows.length === 0) return null
  const [ours, theirs] = sides.map((side): AttentionSide => {
    return { name: side.name, heads: headsOf(side.model.config), texts: rows.map((row) => textOf(side, row)) }
  })
  return {
    title: 'What they attend to',
    text: 'Each row is a word, and the stronger the colour of a column, the more of its attention goes there; each map has its own scale. Beside a layer of the student stands the one of the teacher that is as far up.',
    attention: {
      ...{ texts: rows.map((row) => texts[row]), student: ours, teacher: theirs },
      pairs: pairedLayers(ours.heads.length, theirs.heads.length),
    },
  }
}
