// Texts made of the labelled ones, which live teachers answer like those of --transfer.
import { varyTexts, wordsIn } from '../../distill/augment/vary.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import type { TextSet } from '../../files/data/texts.js'
import type { Output } from '../shared/output.js'
import { count } from '../shared/table.js'
import { countRows, type Texts } from './data.js'
import type { DistillOptions } from './options.js'
import { isLive, type Teacher } from './teachers.js'

/**
 * Labelled and made rows that a new student is given where nothing is said. A transfer set comes on top: its texts may be of another
 * kind. And so many rows without labels where as many have some: what a teacher says of those whose labels a student has is little.
 */
const ROWS = 20_000
/** Made ones of a labelled text at most: more say nothing new. */
const EACH = 40
/** Words of made texts that its teacher reads for that at most. */
const WORDS = 500_000
/** Words of a text that count there: of a longer one the rest is mostly cut. */
const LENGTH = 128
/** What --quick makes at most. */
const QUICK = 1000

interface Case {
  options: Pick<DistillOptions, 'augment' | 'quick' | 'seed' | 'train'>
  recipe: Pick<Recipe, 'name' | 'varies'>
  teachers: readonly Teacher[]
  pretrained: boolean
}

/** How many are wanted. Throws RangeError for a number that was asked for and cannot be. */
function wanted(
  texts: Texts,
  { options, recipe, teachers, pretrained }: Case,
  output: Pick<Output, 'info'>,
): number {
  const { augment, quick, train } = options
  const live = teachers.every(isLive)
  if (texts.train.words || texts.train.questions) {
    if (augment)
      throw new RangeError(
        `--augment: made texts are of texts with classes, not of ${texts.train.words ? 'words with tags' : 'texts with answers'}`,
      )
    return 0
  }
  if (augment !== undefined && augment > 0) {
    if (recipe.varies !== true)
      throw new RangeError(
        `--augment: the recipe ${recipe.name} learns from no made texts; tinystill augment makes more for --train`,
      )
    if (!live) throw new RangeError('--augment: a cache has no answers to new texts; give a teacher itself')
    return augment
  }
  if (augment === 0 || recipe.varies !== true || pretrained) return 0
  const { labelled, transferRows } = countRows(texts)
  const { texts: own, pairs } = texts.train
  const words = own.reduce(
    (sum, text, i) => sum + Math.min(LENGTH, wordsIn(text) + wordsIn(pairs?.[i] ?? '')),
    0,
  )
  const most = quick ? QUICK : Math.min(EACH, WORDS / Math.max(1, words)) * labelled
  const lacking = Math.max(ROWS - labelled, Math.min(ROWS, labelled) - transferRows, 0)
  const n = Math.min(Math.floor(most), lacking)
  if (live || n === 0) return n
  output.info(
    `a cache has no answers to new texts, so none are made of those of ${train}, which help a new student: give the teacher itself`,
  )
  return 0
}

/** The same texts with the made ones among them, which is told. */
export function withVaried(texts: Texts, given: Case, output: Pick<Output, 'info'>): Texts {
  const n = wanted(texts, given, output)
  if (n === 0) return texts
  const { train } = texts
  const rows = train.texts.map((text, i) => ({ text, textB: train.pairs?.[i] ?? null }))
  const made = varyTexts(rows, n, given.options.seed)
  if (made.length === 0) return texts
  output.info(
    `${count(made.length)} more texts made of those of ${train.file}, for ${given.teachers.length === 1 ? 'the teacher' : 'the teachers'} to answer: --augment`,
  )
  const varied: TextSet = {
    ...{ texts: made.map(({ text }) => text), pairs: train.pairs && made.map(({ textB }) => textB) },
    ...{ labels: null, targets: null, labelNames: train.labelNames, inTurn: false, lines: made.map(() => 0) },
  }
  return { ...texts, varied }
}
