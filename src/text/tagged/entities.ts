// Entities out of the tags of their words: IOB1, IOB2, BIOES, BILOU, well-formed or not. What begins and ends one is conlleval's
// rule (Tjong Kim Sang and De Meulder 2003), as seqeval's default mode has it.

/** Words `start` to `end` - 1. */
export interface Entity {
  type: string
  start: number
  end: number
}

export const OUTSIDE = 'O'
const ENTITY_TAG = /^[BIESLUM]-./su

/** Whether tags are of entities, as B-PER and O, and no words' own classes, as NOUN. */
export const areEntityTags = (names: readonly string[]): boolean =>
  names.some((name) => ENTITY_TAG.test(name)) &&
  names.every((name) => name === OUTSIDE || ENTITY_TAG.test(name))

/** What the tags of a folder or of data are: of entities, or classes of words. */
export const taskOfTags = (names: readonly string[]): 'entities' | 'tags' =>
  areEntityTags(names) ? 'entities' : 'tags'

/** The first character, and the type behind its hyphen. */
function partsOf(tag: string): [mark: string, type: string] {
  const [mark = OUTSIDE] = tag
  const rest = tag.slice(mark.length)
  return [mark, rest.slice(rest.indexOf('-') + 1) || '_']
}

/** 'PER' of 'B-PER', of a tag of one character '_'. */
export const typeOf = (tag: string): string => partsOf(tag)[1]

const among = (mark: string, marks: string) => marks.includes(mark)

/** BILOU's last and unit words are BIOES' ends and singles: by their own letters two units side by side would be one. */
const asBioes: Readonly<Record<string, string>> = { L: 'E', U: 'S' }

/** The entities of one sentence, in their order. bilou: whether L and U mean that. */
export function entitiesOf(tags: readonly string[], { bilou = false } = {}): Entity[] {
  const found: Entity[] = []
  let [before, type, start] = [OUTSIDE, '', 0]
  for (let i = 0; i <= tags.length; i++) {
    const [written, own] = partsOf(tags[i] ?? OUTSIDE)
    const mark = (bilou && asBioes[written]) || written
    const other = own !== type
    const ends =
      among(before, 'ES') || (among(before, 'BI') && among(mark, 'BSO')) || (!among(before, 'O.') && other)
    const begins =
      among(mark, 'BS') || (among(before, 'ESO') && among(mark, 'EI')) || (!among(mark, 'O.') && other)
    if (ends) found.push({ type, start, end: i })
    if (begins) start = i
    before = mark
    type = own
  }
  return found
}

/** Whether tags are BILOU's. */
export const areBilou = (names: readonly string[]): boolean => names.some((name) => /^[LU]-/.test(name))

/** How the tags of a set are written, for people. `sentences` by their names. */
export function schemeOf(names: readonly string[], sentences: Iterable<readonly string[]>): string {
  if (!areEntityTags(names)) return 'plain tags'
  const has = (marks: string) => names.some((name) => among(name[0], marks))
  if (areBilou(names)) return 'BILOU'
  if (has('ES')) return has('M') ? 'BMES' : 'BIOES'
  if (!has('B')) return 'IO'
  // IOB1 has B- only behind an entity of the same type, IOB2 at the beginning of each.
  let first = false
  for (const tags of sentences)
    first ||= tags.some(
      (tag, i) => tag[0] === 'B' && (tags[i - 1] === undefined || typeOf(tags[i - 1]) !== typeOf(tag)),
    )
  return first ? 'IOB2' : 'IOB1'
}
