// Files of words and tags: columns and JSON, rightly or not, against readers that go line by line.
import { join } from 'node:path'
import { readTagged, type TaggedSet } from '../../../src/files/data/tagged.js'
import type { Dice } from '../../io/mutants.js'
import { hostileTexts, pick, struck } from '../bytes.js'
import { spoilt, treeOf } from '../documents.js'
import { plainJson } from '../plain.js'
import { slot } from '../slot.js'
import type { Target } from '../target.js'
import { linesIn } from './texts.js'

const utf8 = (text: string) => new TextEncoder().encode(text)
const words = ['Paris', 'a b', 'U.N.', '#', '-DOCSTART-', '北京', '\u200b', '[MASK]', '', '# text = x']
const tags = ['O', 'B-LOC', 'I-LOC', 'NOUN', '__proto__', '1', ' ', 'constructor']
const some = (roll: Dice, from: readonly string[]) => pick(roll, roll(8) === 0 ? hostileTexts : from)

function columns(roll: Dice): string {
  const width = 2 + roll(2)
  const line = () => {
    if (roll(4) === 0) return pick(roll, ['', ' ', '-DOCSTART-\tO', '# comment', '\t'])
    const n = roll(25) === 0 ? roll(4) : width
    return Array.from({ length: n }, (_, i) => some(roll, i === n - 1 ? tags : words)).join('\t')
  }
  const end = pick(roll, ['\n', '\n', '\r\n'])
  return `Anna\t${'_\t'.repeat(width - 2)}B-PER${end}${Array.from({ length: roll(6) }, line).join(end)}`
}

const objects = [
  { tokens: ['a', 'b'], tags: ['O', 'B-X'] },
  { words: ['x'], ner_tags: ['O'], id: '7' },
  { tokens: [], tags: [] },
].map(treeOf)

const rows = (roll: Dice) =>
  Array.from({ length: 1 + roll(3) }, () =>
    roll(3) === 0 ? spoilt(pick(roll, objects), roll) : '{"tokens":["a"],"tags":["O"]}',
  ).join('\n')

type Read = [words: readonly string[], tags: string[]][] | null

function plainColumns(bytes: Uint8Array): Read {
  const lines = linesIn(bytes)
  if (lines === null) return null
  const width = lines[0].replace(/^\ufeff/, '').split('\t').length
  const out: [string[], string[]][] = [[[], []]]
  for (const line of lines.map((own, i) => (i === 0 ? own.replace(/^\ufeff/, '') : own))) {
    if (line.trim() === '' || line.indexOf('-DOCSTART-') === 0) {
      out.push([[], []])
      continue
    }
    const fields = line.split('\t').map((field) => field.trim())
    if (line[0] === '#' && fields.length === 1) continue
    if (fields.length !== width || fields[0] === '' || fields[width - 1] === '') return null
    const [own, tagged] = out[out.length - 1]
    own.push(fields[0])
    tagged.push(fields[width - 1])
  }
  const found = out.filter(([own]) => own.length > 0)
  return found.length > 0 ? found : null
}

function plainRows(bytes: Uint8Array): Read {
  const out: [string[], string[]][] = []
  for (const line of linesIn(bytes) ?? ['?']) {
    if (line.trim() === '') continue
    const value = plainJson(utf8(line.replace(/^\ufeff/, '')))?.value as Record<string, unknown> | undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    const own = [
      ['tokens', 'words'],
      ['tags', 'ner_tags', 'pos_tags', 'labels', 'upos'],
    ].map((names) => value[names.find((name) => Object.hasOwn(value, name)) ?? 'none'])
    const lists = own.map((list) =>
      Array.isArray(list) && list.every((x) => typeof x === 'string' && x.trim() !== '')
        ? (list as string[])
        : null,
    )
    const [a, b] = lists
    if (a === null || b === null || a.length !== b.length) return null
    if (a.length > 0) out.push([a, b])
  }
  return out.length > 0 ? out : null
}

const formats = [
  { ending: 'iob', make: columns, plain: plainColumns },
  { ending: 'tagged.jsonl', make: rows, plain: plainRows },
]

const labels = ({ words: all, labels: own, labelNames }: TaggedSet): Read => {
  let at = 0
  return all.map((each) => [each, each.map(() => labelNames[(own as Int32Array)[at++]])])
}

export const taggedTargets: readonly Target[] = formats.map(({ ending, make, plain }) => ({
  name: ending,
  share: 4,
  open(folder) {
    const file = join(folder, `data.${ending}`)
    const fill = slot(file)
    return {
      make: (roll) => {
        const bytes = utf8(make(roll))
        return roll(3) === 0 ? struck(bytes, roll) : bytes
      },
      read: (bytes) => {
        fill(bytes)
        return labels(readTagged(file, { chunk: 64 }))
      },
      judge: (bytes, value) => {
        const wanted = plain(bytes)
        if (wanted === null) return 'a plain reader refuses it'
        const [ours, theirs] = [JSON.stringify(value), JSON.stringify(wanted)]
        return ours === theirs ? null : `it reads ${ours}, a plain reader ${theirs}`
      },
    }
  },
}))
