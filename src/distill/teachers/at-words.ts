// A teacher with another tokenizer than its student's: each reads a text in its own way, and states are compared where both have
// the first token of the same word.
import { tensor } from '../../autograd/create.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import { TinystillError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { HeadModel, ModelOutput } from '../../nn/models/pretrained.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import type { LossContext, LossNeeds } from '../plan/loss.js'
import { lossesOf, type StageData, type StagePlan } from '../plan/plan.js'

/** A teacher that reads the rows of stages by another tokenizer than the student. */
export interface OtherReader {
  model: HeadModel
  /** The rows of Bench.data(kind), as it reads them. */
  data(kind: StageData): DataSet<TextInput>
  /** wordPlaces() of those rows. */
  places(kind: StageData): WordPlaces
  /** Whether the texts of both begin with [CLS], or <s>: opensTexts(). */
  opens: boolean
}

/** Of each row the places of [CLS] and of the words: -1 for what a model has not. Those of both models are as many. */
export interface WordPlaces {
  student: readonly Int32Array[]
  teacher: readonly Int32Array[]
}

/** What both have of a row. */
function common({ student, teacher }: WordPlaces, row: number): Int32Array {
  const [own, theirs] = [student[row], teacher[row]]
  return Int32Array.from(own.keys()).filter((i) => own[i] >= 0 && theirs[i] >= 0)
}

const SAME = "start the student with the teacher's tokenizer: --tokenizer DIR"

/** Without these losses, or with one tokenizer. */
function remedyFor({ name }: StagePlan, losses: readonly string[], all: boolean): string {
  if (all) return `Take a recipe of logits or hidden states, as hinton, or ${SAME}`
  const off = losses.map((own) => `${own}: { weight: 0 }`).join(', ')
  return `Switch off in --config: { stages: { ${name}: { losses: { ${off} } } } }, or ${SAME}`
}

/** What a loss sees of a batch; null: nothing. */
export type WordView = (needs: LossNeeds) => LossContext | null

/** Such a teacher, as a plan hears it. A bench gives it, so that pages whose models share a tokenizer load none of this. */
export class AtWords {
  constructor(readonly reader: OtherReader) {}

  /**
   * Throws TinystillError naming stage and losses for those that compare more than states, each with one; for first tokens that not
   * both have; and for a text of which nothing can be compared, where nothing else teaches.
   */
  check(stage: StagePlan): void {
    const { opens, places } = this.reader
    const { name, data } = stage
    const losses = lossesOf(stage)
    const refuse = (wrong: typeof losses, why: (names: string) => string) => {
      if (wrong.length === 0) return
      const names = wrong.map((own) => own.name)
      throw new TinystillError(
        `${name}: ${why(names.join(' and '))}`,
        remedyFor(stage, names, wrong.length === losses.length),
      )
    }
    refuse(
      losses.filter(({ loss: { needs } }) => needs.outputs && !needs.atWords),
      (names) => `${names} of student and teacher can be compared with one tokenizer only, theirs are two`,
    )
    if (opens) return
    refuse(
      losses.filter(({ loss }) => loss.needs.firstToken),
      (names) => `${names} compares first tokens, and not both tokenizers begin texts with [CLS] or <s>`,
    )
    if (!losses.every(({ loss }) => loss.needs.outputs)) return
    const both = places(data)
    const empty = both.student.findIndex((_, row) => common(both, row).length === 0)
    if (empty >= 0)
      throw new TinystillError(
        `${name}: of text ${empty + 1} of ${both.student.length} student and teacher have no word in common, and its losses compare nothing else`,
        'Leave such texts out, or add a loss on logits',
      )
  }

  /** For people. */
  describe(kind: StageData): string {
    const places = this.reader.places(kind)
    const all = places.student.reduce((n, _, row) => n + common(places, row).length, 0)
    return `student and teacher have two tokenizers: states are compared at [CLS] and the first tokens of words, where both have them: ${all} places of ${places.student.length} texts`
  }

  /**
   * Of a batch of rows of such a set whose teacher has read it in its own way, `teacherInput`: losses on states see one without
   * padding whose tokens are [CLS] and the words that both models have, states [W, C]; those on first tokens [CLS] alone, [B, 1, C];
   * null where there are none. Gradients reach the student's tokens there. Other losses see the batch as it is.
   */
  view(kind: StageData, context: LossContext, teacherInput: TextInput, rows: Int32Array): WordView {
    const places = this.reader.places(kind)
    const known = new Map<boolean, LossContext | null>()
    const at = (firstToken: boolean): LossContext | null => {
      const which = Array.from(rows, (row) => (firstToken ? Int32Array.of(0) : common(places, row)))
      return gathered(context, teacherInput, places, rows, which, firstToken)
    }
    return ({ outputs, firstToken = false }) => {
      if (outputs === undefined) return context
      const seen = known.has(firstToken) ? known.get(firstToken) : at(firstToken)
      known.set(firstToken, seen ?? null)
      return seen ?? null
    }
  }
}

function gathered(
  context: LossContext,
  teacherInput: TextInput,
  places: WordPlaces,
  rows: Int32Array,
  which: readonly Int32Array[],
  firstToken: boolean,
): LossContext | null {
  const starts = Int32Array.from([0, ...which.map(({ length }) => length)])
  for (let b = 0; b < which.length; b++) starts[b + 1] += starts[b]
  if (starts[which.length] === 0) return null
  const own = tokensAt(context.input, places.student, rows, which)
  const theirs = tokensAt(teacherInput, places.teacher, rows, which)
  const at = <O extends Pick<ModelOutput, 'hiddenStates'>>(output: O, tokens: Tensor): O => {
    const hiddenStates = output.hiddenStates?.map((h) => {
      const width = h.shape[h.rank - 1]
      const picked = indexSelect(reshape(h, [-1, width]), 0, tokens)
      return firstToken ? reshape(picked, [rows.length, 1, width]) : picked
    })
    return { ...output, ...(hiddenStates && { hiddenStates }) }
  }
  const ids = ints(context.input.inputIds)
  return {
    ...context,
    student: at(context.student, own),
    teacher: context.teacher && at(context.teacher, theirs),
    input: { inputIds: tensor(ints(own).map((token) => ids[token])), starts: tensor(starts) },
  }
}

/** Tokens of a batch, counted through all texts: those of each row's places `which`. */
function tokensAt(
  input: TextInput,
  places: readonly Int32Array[],
  rows: Int32Array,
  which: readonly Int32Array[],
): Tensor {
  const starts = 'starts' in input ? ints(input.starts) : null
  const [, T] = input.inputIds.shape
  const tokens = Array.from(rows).flatMap((row, b) =>
    Array.from(which[b], (i) => (starts === null ? b * T : starts[b]) + places[row][i]),
  )
  return tensor(Int32Array.from(tokens))
}
