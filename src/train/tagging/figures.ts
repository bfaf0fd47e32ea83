// Figures of taggers: entities found whole, as conlleval and seqeval count them, and words with the right tag.
import { exp, log } from '../../tensor/math.js'
import { entitiesOf, OUTSIDE, typeOf } from '../../text/tagged/entities.js'
import { best } from '../metrics.js'

/** Of all entities, or of one type. */
export interface EntityFigures {
  /** Of those said, the share that is right: the same words and the same type. */
  precision: number
  /** Of those there, the share that was found. */
  recall: number
  f1: number
}

/** What F1 is made of. */
export interface EntityCounts {
  right: number
  said: number
  there: number
}

const none = (): EntityCounts => ({ right: 0, said: 0, there: 0 })

/** 0 where there is nothing to divide by, as in seqeval. */
const share = (part: number, of: number) => (of === 0 ? 0 : part / of)

export const figuresOf = ({ right, said, there }: EntityCounts): EntityFigures => ({
  ...{ precision: share(right, said), recall: share(right, there), f1: share(2 * right, said + there) },
})

/** Tags of sentences by their names: what a model says, and what is there. */
export interface SentenceTags {
  said: readonly string[]
  there: readonly string[]
}

const keysOf = (tags: readonly string[], bilou: boolean) =>
  new Map(
    entitiesOf(tags, { bilou }).map(({ type, start, end }) => [`${start} ${end} ${type}`, type] as const),
  )

/** Entities of each sentence by their types. */
export function countEntities({ said, there }: SentenceTags, bilou: boolean): Map<string, EntityCounts> {
  const counts = new Map<string, EntityCounts>()
  const of = (type: string) => {
    const own = counts.get(type) ?? none()
    counts.set(type, own)
    return own
  }
  const [ours, theirs] = [said, there].map((tags) => keysOf(tags, bilou))
  for (const [key, type] of ours) {
    of(type).said++
    if (theirs.has(key)) of(type).right++
  }
  for (const type of theirs.values()) of(type).there++
  return counts
}

/** Those of several, or of all types. */
export function sumOf(all: Iterable<EntityCounts>): EntityCounts {
  const sum = none()
  for (const { right, said, there } of all) {
    sum.right += right
    sum.said += said
    sum.there += there
  }
  return sum
}

/** seqeval's micro averages, and the same of each type, in the order of their names. */
export function entityFigures(sentences: Iterable<SentenceTags>, bilou = false) {
  const types = new Map<string, EntityCounts[]>()
  for (const sentence of sentences)
    for (const [type, counts] of countEntities(sentence, bilou))
      types.set(type, [...(types.get(type) ?? []), counts])
  const each = [...types].map(([type, all]) => [type, sumOf(all)] as const)
  return {
    all: figuresOf(sumOf(each.map(([, counts]) => counts))),
    each: Object.fromEntries(
      each
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([type, counts]) => [type, { ...figuresOf(counts), entities: counts.there }]),
    ),
  }
}

/** Whether a word was answered: one without a token has no logits. */
export const isAnswered = (logits: ArrayLike<number>, word: number, classes: number): boolean =>
  !Number.isNaN(logits[word * classes])

/** The tag of each word, of one without a token O, where there is such a tag; null else. */
export function tagsSaid(
  logits: ArrayLike<number>,
  names: readonly string[],
  words: number,
): (string | null)[] {
  const unsaid = names.includes(OUTSIDE) ? OUTSIDE : null
  return Array.from({ length: words }, (_, word) =>
    isAnswered(logits, word, names.length) ? names[best(logits, word * names.length, names.length)] : unsaid,
  )
}

/** What both say, sentence by sentence. */
export function sentencesOf(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  starts: ArrayLike<number>,
  names: readonly string[],
): { said: (string | null)[]; there: string[] }[] {
  const said = tagsSaid(logits, names, labels.length)
  return Array.from({ length: starts.length - 1 }, (_, row) => ({
    said: said.slice(starts[row], starts[row + 1]),
    there: Array.from({ length: starts[row + 1] - starts[row] }, (_, i) => names[labels[starts[row] + i]]),
  }))
}

/** Mean cross entropy of the words that were answered. */
export function lossOf(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number {
  let [sum, count] = [0, 0]
  for (let word = 0; word < labels.length; word++) {
    if (!isAnswered(logits, word, classes)) continue
    const at = word * classes
    const top = logits[at + best(logits, at, classes)]
    let total = 0
    for (let c = 0; c < classes; c++) total += exp(logits[at + c] - top)
    sum += log(total) + top - logits[at + labels[word]]
    count++
  }
  return sum / count
}

/** For people: how many types of entities tags are of. */
export const typesOf = (names: readonly string[]): string[] =>
  [...new Set(names.filter((name) => name !== OUTSIDE).map(typeOf))].sort()
