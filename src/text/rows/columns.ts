// Which column of a data set is what: the one place that decides, for tables, JSON and Parquet alike.
import { shown } from '../../formats/json.js'
import type { QuestionRules } from '../questions/question.js'

/** How a data file is read where its own names do not tell. */
export interface DataOptions {
  /** Names of columns, or their places from 1 in a table without header. */
  textColumn?: string | undefined
  textPairColumn?: string | undefined
  labelColumn?: string | undefined
  /** Between the fields of a table. */
  delimiter?: string | undefined
  /** Of questions about texts: how they are read and judged. */
  questions?: QuestionRules | undefined
  /** Whether a file without labels is refused at its header, or what is taken for a label is said, being of no use. */
  labelUse?: 'needed' | 'unused' | undefined
  /** Is told what was decided where it could have been otherwise, a line each. */
  note?: ((line: string) => void) | undefined
}

/** Which field is what; null where the data has none. */
export interface Columns {
  text: number | null
  textB: number | null
  label: number | null
}

export interface Decision extends Columns {
  /** What could have been decided otherwise. */
  notes: string[]
}

/** Names that go together, and are looked for first. GLUE, SNLI, PAWS, SICK, BoolQ, and the sets of news and reviews. */
const pairs = [
  ...[['text', 'text_b'] as const, ['text_a', 'text_b'] as const, ['text', 'text_pair'] as const],
  ...[['sentence1', 'sentence2'] as const, ['sentence_1', 'sentence_2'] as const],
  ...[['sentence_a', 'sentence_b'] as const, ['text1', 'text2'] as const, ['text_1', 'text_2'] as const],
  ...[['premise', 'hypothesis'] as const, ['question1', 'question2'] as const],
  ...[['question', 'sentence'] as const, ['question', 'passage'] as const, ['question', 'context'] as const],
  ...[['query', 'passage'] as const, ['query', 'document'] as const, ['#1_string', '#2_string'] as const],
  ...[['title', 'description'] as const, ['title', 'content'] as const],
]

/** Names of each role, those that come first preferred. */
const roles = {
  text: [
    ...[
      'text',
      'sentence',
      'text_a',
      'sentence1',
      'text1',
      'premise',
      'question1',
      'sentence_a',
      'sentence_1',
    ],
    ...['text_1', '#1_string', 'review', 'review_text', 'review_body', 'tweet', 'comment', 'comment_text'],
    ...['content', 'body', 'message', 'document', 'utterance', 'query', 'question', 'phrase', 'headline'],
    ...['description', 'abstract', 'article', 'statement', 'post', 'passage', 'title', 'input', 'data'],
  ],
  textB: [
    ...['text_b', 'sentence2', 'text2', 'hypothesis', 'question2', 'text_pair', 'sentence_b', 'sentence_2'],
    ...['text_2', '#2_string'],
  ],
  label: [
    ...[
      'label',
      'labels',
      'gold_label',
      'class',
      'category',
      'sentiment',
      'is_duplicate',
      'quality',
      'target',
    ],
    ...['score', 'class_index', 'intent', 'emotion', 'topic', 'polarity', 'airline_sentiment', 'rating'],
    ...['stars', 'star_rating', 'entailment_label', 'entailment_judgment', 'relatedness_score'],
    ...['coarse_label', 'label_coarse', 'fine_label', 'label_fine', 'label_text'],
  ],
} as const

/** Numbers of rows. */
const counters = ['', 'id', 'idx', 'index', 'guid', 'row', 'unnamed:_0', 'pairid', 'pair_id', 'uid']

export const normalName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')

const few = (names: readonly string[]) =>
  `${names.slice(0, 12).map(shown).join(', ')}${names.length > 12 ? ', ...' : ''}`

/** What to do about names that say nothing. */
export const REMEDY = `Names that are known: ${roles.text.slice(0, 7).join(', ')} for a text, ${roles.textB.slice(0, 5).join(', ')} for a second one, ${roles.label.slice(0, 8).join(', ')} for the label. Others are given by --text-column, --text-pair-column and --label-column`

/** Toxic comments come so: a column of 0 and 1 for each class. */
const ONE_COLUMN =
  'Where each class has a column of 0 and 1, make one of them: lists ([1, 0]) or names with commas between, and --task multi-label'

const flags = { text: 'textColumn', textB: 'textPairColumn', label: 'labelColumn' } as const
const shownFlags = { text: '--text-column', textB: '--text-pair-column', label: '--label-column' } as const
type Role = keyof typeof flags
const allRoles = ['text', 'textB', 'label'] as const

const isPlace = (name: string) => /^[1-9]\d{0,3}$/.test(name)

/** The columns that the options name, as places from 0; -1 for a name that is none of `header`. */
function askedColumns(
  header: readonly string[],
  options: DataOptions,
  places: boolean,
): Partial<Record<Role, number>> {
  const names = header.map(normalName)
  const asked: Partial<Record<Role, number>> = {}
  for (const role of allRoles) {
    const wanted = options[flags[role]]
    if (wanted === undefined) continue
    const exact = header.indexOf(wanted)
    const at = exact >= 0 ? exact : names.indexOf(normalName(wanted))
    asked[role] = at < 0 && places && isPlace(wanted) ? Number(wanted) - 1 : at
  }
  return asked
}

/** Whether columns are named by their places, in a table whose first line is no header of numbers, as pandas makes up. */
export function asksForPlaces(first: readonly string[], options: DataOptions): boolean {
  const asked = allRoles.flatMap((role) => options[flags[role]] ?? [])
  const numbered = first.every((name, at) => name === String(at) || (at === 0 && name === ''))
  return asked.length > 0 && asked.every(isPlace) && !numbered
}

/** Whether a name is that of some role. */
export function knownName(name: string): Role | null {
  const normal = normalName(name)
  return allRoles.find((role) => (roles[role] as readonly string[]).includes(normal)) ?? null
}

/**
 * What is what among columns of these names: those that the options ask for, then pairs of names that go together, then names in a
 * fixed order of preference, wherever they stand. Of two columns of which one is known as the label, the other is the text. Calls
 * `fail` for a column that is asked for and not there.
 */
export function decideColumns(
  header: readonly string[],
  options: DataOptions,
  fail: (reason: string, hint?: string) => never,
): Decision {
  const names = header.map(normalName)
  const notes: string[] = []
  const asked = askedColumns(header, options, false)
  for (const role of allRoles)
    if (asked[role] === -1)
      fail(
        `${shownFlags[role]} ${shown(options[flags[role]] as string)} is none of its columns: ${few(header)}`,
      )
  const taken = new Set(Object.values(asked))
  if (taken.size < Object.values(asked).length) fail('one column is asked for twice')
  const placesOf = (known: readonly string[]) =>
    known.map((name) => names.indexOf(name)).filter((at) => at >= 0 && !taken.has(at))
  let text = asked.text ?? null
  let textB = asked.textB ?? null
  if (text === null) {
    const pair = pairs.find(
      ([a, b]) => placesOf([a, b]).length === 2 && (a !== 'title' || !names.includes('text')),
    )
    if (textB === null && pair !== undefined) [text, textB] = pair.map((name) => names.indexOf(name))
    else {
      text = placesOf(roles.text)[0] ?? null
      textB ??= text === null ? null : (placesOf(roles.textB)[0] ?? null)
    }
  }
  const labels = placesOf(roles.label).filter((at) => at !== text && at !== textB)
  const label = asked.label ?? labels[0] ?? null
  if (text === null) {
    const left = names.flatMap((name, at) =>
      at === label || taken.has(at) || counters.includes(name) ? [] : [at],
    )
    if (label !== null && left.length === 1 && knownName(names[left[0]]) === null) {
      text = left[0]
      notes.push(`the text is taken from ${shown(header[text])}`)
    }
  }
  if (asked.label === undefined && labels.length > 1)
    notes.push(
      `the label is taken from ${shown(header[labels[0]])}, not ${few(labels.slice(1).map((at) => header[at]))}: --label-column says otherwise`,
    )
  const dropped = [...placesOf(roles.text), ...placesOf(roles.textB)].filter(
    (at) => ![text, textB, label].includes(at),
  )
  if (text !== null && dropped.length > 0) {
    const which = textB === null ? shown(header[text]) : `${shown(header[text])} and ${shown(header[textB])}`
    notes.push(
      `the text is taken from ${which}, ${few(dropped.map((at) => header[at]))} is left out: --text-column and --text-pair-column say otherwise`,
    )
  }
  return { text, textB, label, notes }
}

/** Refuses names of which none is a label, where labels are needed. */
export function checkLabelled(
  header: readonly string[],
  { text, textB, label }: Columns,
  { labelUse }: DataOptions,
  fail: (reason: string, hint?: string) => never,
): void {
  if (labelUse !== 'needed' || label !== null) return
  const others = header.filter(
    (name, at) => ![text, textB].includes(at) && !counters.includes(normalName(name)),
  )
  fail(
    `has no label: no column is one among ${few(header)}`,
    others.length > 1 ? `${REMEDY}. ${ONE_COLUMN}` : REMEDY,
  )
}

/** The same of a table without header, by the places that the options ask for. The first other is the text where that is not asked for, one that is left the label. */
export function placedColumns(
  count: number,
  options: DataOptions,
  fail: (reason: string, hint?: string) => never,
): Columns {
  const asked = askedColumns([], options, true)
  for (const role of allRoles) {
    const at = asked[role]
    if (at !== undefined && at >= count)
      fail(`${shownFlags[role]} ${at + 1}: the first line has ${count} ${count === 1 ? 'field' : 'fields'}`)
  }
  const there = Object.values(asked)
  if (new Set(there).size < there.length) fail('one column is asked for twice')
  const free = Array.from({ length: count }, (_, at) => at).filter((at) => !there.includes(at))
  const text = asked.text ?? free.shift()
  if (text === undefined) return fail('no column is left for the text', 'Name it by --text-column')
  const label = asked.label ?? (free.length === 1 ? free.shift() : undefined)
  const textB = asked.textB ?? (asked.text === undefined && free.length === 1 ? free.shift() : undefined)
  return { text, textB: textB ?? null, label: label ?? null }
}
