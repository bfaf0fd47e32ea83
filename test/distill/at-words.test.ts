// Student and teacher with two tokenizers: states at the words of both, held to loops in plain numbers and to finite differences.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { gradcheck } from '../../src/autograd/gradcheck.js'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import type { LossContext } from '../../src/distill/plan/loss.js'
import { lossTable } from '../../src/distill/plan/loss-table.js'
import { type StageDraft, stageOf } from '../../src/distill/plan/plan.js'
import { type Bench, runPlan, type Student } from '../../src/distill/plan/runner.js'
import { AtWords, type OtherReader, type WordPlaces } from '../../src/distill/teachers/at-words.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import { makeModel } from '../../src/nn/models/bert.js'
import { albert, bert, type Family, roberta, xlmRoberta } from '../../src/nn/models/family.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { keyOf, normalAt } from '../../src/tensor/rng.js'
import { floats, type Tensor } from '../../src/tensor/tensor.js'
import { padInput } from '../../src/text/batches.js'
import { textData } from '../../src/text/dataset.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import { opensTexts, wordPlaces } from '../../src/text/tagged/word-places.js'
import type { StepReport } from '../../src/train/reports.js'

const C = 3
/** Three texts of the student's and of the teacher's tokens; the second has no word in common, the third [CLS] alone. */
const lengths = { student: [5, 4, 2], teacher: [4, 6, 2] }
const places: WordPlaces = {
  student: [[0, 1, 3, -1], [0, 2, -1], [0]].map((own) => Int32Array.from(own)),
  teacher: [[0, 2, 1, 3], [0, -1, 4], [0]].map((own) => Int32Array.from(own)),
}
/** Of each text the pairs of tokens: [CLS], and what both have. */
const pairs = [
  [
    [0, 0],
    [1, 2],
    [3, 1],
  ],
  [[0, 0]],
  [[0, 0]],
]

function inputOf(own: number[], padded: boolean): TextInput {
  const starts = [0, ...own.map((_, b) => own.slice(0, b + 1).reduce((sum, n) => sum + n, 0))]
  const flat = {
    inputIds: tensor(Int32Array.from({ length: starts[own.length] }, (_, i) => i + 1)),
    starts: tensor(Int32Array.from(starts)),
  }
  return padded ? padInput(flat, 0) : flat
}

const drawn = (seed: number, n: number) =>
  Float64Array.from({ length: n }, (_, i) => normalAt(keyOf(seed), i))

/** States of each token of each text, as a batch has them. */
function statesOf(own: number[], seed: number, padded: boolean) {
  const T = Math.max(...own)
  const tokens: number[][][] = []
  const values: number[] = []
  own.forEach((n, b) => {
    const row = drawn(seed * 100 + b, T * C)
    tokens.push(Array.from({ length: n }, (_, t) => [...row.slice(t * C, t * C + C)]))
    values.push(...row.slice(0, (padded ? T : n) * C))
  })
  const shape = padded ? [own.length, T, C] : [values.length / C, C]
  return { tokens, x: tensor(Float64Array.from(values), { shape }) }
}

const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0)
const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length
const unit = (v: number[]) => v.map((x) => x / Math.sqrt(dot(v, v)))
const squares = (a: number[], b: number[]) => a.map((x, i) => (x - b[i]) ** 2)
const normed = (v: number[]) => {
  const m = mean(v)
  const s = Math.sqrt(mean(v.map((x) => (x - m) ** 2)) + 1e-12)
  return v.map((x) => (x - m) / s)
}
type Plain = (each: [s: number[], t: number[]][], first: [s: number[], t: number[]][]) => number
/** Each loss of one pair of layers, of rows of states. */
const plain: Record<string, Plain> = {
  hidden: (each) => mean(each.flatMap(([s, t]) => squares(s, t))),
  cosine: (each) => mean(each.map(([s, t]) => 1 - dot(unit(s), unit(t)))),
  features: (each) => mean(each.flatMap(([s, t]) => squares(normed(s), normed(t)))),
  patient: (_, first) => mean(first.flatMap(([s, t]) => squares(unit(s), unit(t)))),
}
const optionsOf: Record<string, Record<string, unknown>> = {
  ...{ hidden: { projection: 'none' }, features: { mean: 0, variance: 0 } },
}
const bound = (name: string) =>
  lossTable[name].bind(optionsOf[name] ?? {}, { file: 'test', where: '' }, 'classes')

describe('atWords', () => {
  const rows = Int32Array.of(0, 1, 2)
  const seenBy = (name: string, x: Tensor, t: Tensor, padded: boolean) => {
    const context = {
      ...{ student: { hiddenStates: [x, x] }, teacher: { hiddenStates: [t, t] }, task: 'classes' },
      ...{ input: inputOf(lengths.student, padded), labels: null, words: null, progress: 0 },
      ...{ layers: { hidden: [[1, 1]], attention: [] }, configs: {} },
    } as unknown as LossContext
    const { needs, compute } = bound(name)
    const at = new AtWords({ places: () => places } as unknown as OtherReader)
    const shown = at.view('labelled', context, inputOf(lengths.teacher, false), rows)(needs)
    return compute(shown as LossContext, null) as Tensor
  }

  it.each(
    ['hidden', 'cosine', 'features', 'patient'].flatMap((name) => [
      [name, true] as const,
      [name, false] as const,
    ]),
  )('%s, padded %s: value and gradient are those of the tokens of both, and of no other', (name, padded) => {
    const student = statesOf(lengths.student, 1, padded)
    const teacher = statesOf(lengths.teacher, 2, false)
    const each = pairs.flatMap((own, b) =>
      own.map(([i, j]): [number[], number[]] => [student.tokens[b][i], teacher.tokens[b][j]]),
    )
    const first = pairs.map((_, b): [number[], number[]] => [student.tokens[b][0], teacher.tokens[b][0]])
    expect(seenBy(name, student.x, teacher.x, padded).item()).toBeCloseTo(plain[name](each, first), 12)
    const { error } = gradcheck((x) => seenBy(name, x, teacher.x, padded), [student.x], { tolerance: 1e-7 })
    expect(error).toBeLessThan(1e-7)
    const x = tensor(student.x.elements, { shape: student.x.shape, requiresGrad: true })
    seenBy(name, x, teacher.x, padded).backward()
    const grad = (x.grad as Tensor).elements
    const T = Math.max(...lengths.student)
    const touched = new Set(
      pairs.flatMap((own, b) => {
        const from = padded ? b * T : lengths.student.slice(0, b).reduce((sum, n) => sum + n, 0)
        return (name === 'patient' ? own.slice(0, 1) : own).map(([i]) => from + i)
      }),
    )
    for (let row = 0; row < grad.length / C; row++)
      expect(
        grad.subarray(row * C, row * C + C).some((g) => g !== 0),
        `row ${row}`,
      ).toBe(touched.has(row))
  })
})

const golden = join(import.meta.dirname, '../golden')
const tokenizers = {
  bert: loadTokenizer(join(golden, 'tagging/bert')) as PiecedTokenizer,
  bpe: loadTokenizer(join(golden, 'byte_bpe')) as PiecedTokenizer,
  unigram: loadTokenizer(join(golden, 'unigram')) as PiecedTokenizer,
}
const W = 8
const model = (family: Family, { vocabSize, padId }: PiecedTokenizer, seed: number, layers = 2): Student => {
  const size = { vocabSize, padId, layers, width: W, heads: 2, inner: 12, maxLength: 24, dropout: 0 }
  const more = { attentionDropout: 0, headDropout: 0, labels: ['a', 'b'] }
  return randomScope(keyOf(seed), () =>
    makeModel(family, 'sequence-classification', { ...family.defaults, ...size, ...more }),
  ).eval() as Student
}

const texts = [
  'the cat sat on the mat',
  '',
  'unbelievable internationalization of many words that no short text has',
  'a b',
  '   ',
  'cats and dogs on mats',
]
/** Where each word's first token is, from the pieces of those before it; -1 behind the end. */
function counted(tokenizer: PiecedTokenizer, text: string, maxLength: number): number[] {
  let at = 1
  const room = maxLength - 1
  const words = text.split(' ').filter((word) => word !== '')
  return words.map((word, i) => {
    const place = at
    at += (i === 0 ? tokenizer.pieces(word) : tokenizer.wordPieces(word)).length
    return place < room ? place : -1
  })
}

/** Most tokens of the student, and of the teacher. */
const most = [20, 14]
const pieces = (family: Family, tokenizer: PiecedTokenizer) => {
  const [student, teacher] = [model(bert, tokenizers.bert, 5), model(family, tokenizer, 6)]
  for (const p of teacher.parameters()) p.requiresGrad = false
  const data = (own: PiecedTokenizer, maxLength: number) =>
    textData(texts, [0, 1, 0, 1, 0, 1], own, maxLength)
  const set = { texts, pairs: null }
  const other: OtherReader = {
    ...{ model: teacher, data: () => data(tokenizer, most[1]) },
    places: () => ({
      student: wordPlaces(set, tokenizers.bert, most[0]),
      teacher: wordPlaces(set, tokenizer, most[1]),
    }),
    opens: opensTexts(tokenizer) && opensTexts(tokenizers.bert),
  }
  const told: string[] = []
  const steps: StepReport[] = []
  const bench = (more: Partial<Bench> = {}): Bench => ({
    ...{ seed: 1, data: () => data(tokenizers.bert, most[0]), teacher: null, general: null },
    ...{ other: () => new AtWords(other), masked: () => expect.fail(), teacherLogits: () => expect.fail() },
    student: () => student,
    tell: (_, line) => void told.push(line),
    watch: () => ({ onStep: (step) => void steps.push(step) }),
    ...more,
  })
  return { student, teacher, tokenizer, other, bench, told, steps }
}
const still = { epochs: 1, lr: 0, batchSize: texts.length, warmup: 0 }
const stage = (losses: StageDraft['losses'], more: Partial<StageDraft> = {}) =>
  stageOf({ name: 'both', losses, layerMap: [[1, 1]], fit: still, ...more })

describe.each([
  ['RoBERTa, byte pairs', roberta, tokenizers.bpe],
  ['XLM-R, Unigram', xlmRoberta, tokenizers.unigram],
  ['ALBERT, Unigram', albert, tokenizers.unigram],
])('a BERT taught by %s', (_, family, tokenizer) => {
  /** Each layer's states of one text alone. */
  const alone = (of: Student, own: PiecedTokenizer, text: string, maxLength: number) => {
    const input = textData([text], null, own, maxLength).input(Int32Array.of(0))
    const { hiddenStates } = noGrad(() => of.forward(input, { hiddenStates: true }))
    return (hiddenStates as Tensor[]).map((h) => {
      const values = floats(h)
      return Array.from({ length: values.length / W }, (_, t) => [...values.slice(t * W, t * W + W)])
    })
  }

  it.each(['hidden', 'cosine', 'features', 'patient'])('%s is that of a loop over words', async (name) => {
    const { student, teacher, bench, steps, told } = pieces(family, tokenizer)
    const [each, first]: [number[], number[]][][] = [[], []]
    for (const text of texts) {
      const [s, t] = [
        alone(student, tokenizers.bert, text, most[0]),
        alone(teacher, tokenizer, text, most[1]),
      ]
      const at = [counted(tokenizers.bert, text, most[0]), counted(tokenizer, text, most[1])]
      first.push([s[2][0], t[2][0]])
      each.push([s[2][0], t[2][0]])
      at[0].forEach((place, i) => {
        if (place >= 0 && at[1][i] >= 0) each.push([s[2][place], t[2][at[1][i]]])
      })
    }
    const map = { hidden: [[2, 2]] } as const
    await runPlan(
      { stages: [stage({ [name]: { options: optionsOf[name] ?? {} } }, { layerMap: map })] },
      bench(),
    )
    expect(steps).toHaveLength(1)
    expect(steps[0].loss).toBeCloseTo(plain[name](each, first), 5)
    expect(told).toEqual([expect.stringContaining(`${each.length} places of 6 texts`)])
    // Some words of the third text are cut off.
    expect(each.length).toBeLessThan(6 + texts.join(' ').split(/\s+/).filter(Boolean).length)
  })

  it('padded and unpadded batches, and two of them for one, give the same', async () => {
    const losses = { hidden: {}, cosine: {}, features: {}, soft: {}, hard: {} }
    const values: StepReport['terms'][] = []
    for (const padTo of [null, 16]) {
      const { bench, steps } = pieces(family, tokenizer)
      await runPlan({ stages: [stage(losses, { padTo })] }, bench())
      values.push(steps[0].terms)
    }
    for (const name of Object.keys(losses)) expect(values[1][name], name).toBeCloseTo(values[0][name], 5)
  })

  it('learns: what is far comes near, and the teacher stays', async () => {
    const { student, teacher, bench, steps } = pieces(family, tokenizer)
    const before = floats(teacher.parameters()[0]).slice()
    const fit = { ...still, epochs: 60, lr: 3e-3, schedule: 'constant' as const }
    await runPlan({ stages: [stage({ hidden: {}, cosine: {} }, { fit })] }, bench())
    const last = steps.at(-1) as StepReport
    expect(last.terms.cosine).toBeLessThan(0.5 * steps[0].terms.cosine)
    expect(floats(teacher.parameters()[0])).toEqual(before)
    expect(student.training).toBe(false)
  })
})

describe('what cannot be compared is refused by name', () => {
  const refused = async (losses: StageDraft['losses'], message: RegExp, more: Partial<OtherReader> = {}) => {
    const { bench, other } = pieces(roberta, tokenizers.bpe)
    const changed = { ...other, ...more }
    await expect(
      runPlan({ stages: [stage(losses)] }, bench({ other: () => new AtWords(changed) })),
    ).rejects.toThrow(message)
  }

  it.each(
    Object.keys(lossTable).filter((name) => lossTable[name].needs.outputs && !lossTable[name].needs.atWords),
  )('%s', async (name) => {
    await refused(
      { [name]: {}, hidden: {} },
      new RegExp(`both: ${name} of student and teacher can be compared with one tokenizer only`),
    )
  })

  it('attention, with what to write', async () => {
    const { bench } = pieces(roberta, tokenizers.bpe)
    const run = (losses: StageDraft['losses']) => runPlan({ stages: [stage(losses)] }, bench())
    await expect(run({ attention: {}, hidden: {} })).rejects.toMatchObject({
      message: expect.stringContaining(
        "Switch off in --config: { stages: { both: { losses: { attention: { weight: 0 } } } } }, or start the student with the teacher's tokenizer: --tokenizer DIR",
      ),
    })
    await expect(run({ attention: {}, relation: {} })).rejects.toThrow(
      /attention and relation of .*Take a recipe of logits or hidden states, as hinton/,
    )
  })

  it('first tokens, where not both have one; of other losses words alone are compared', async () => {
    await refused({ patient: {}, soft: {} }, /patient compares first tokens/, { opens: false })
  })

  it('a text without a common word, where nothing else is compared', async () => {
    const none = (list: readonly Int32Array[]) => list.map((own) => own.map((at, i) => (i === 0 ? -1 : at)))
    const { bench, other, steps } = pieces(roberta, tokenizers.bpe)
    const { student, teacher } = other.places('labelled')
    const places = () => ({ student: none(student), teacher: none(teacher) })
    const message = /of text 2 of 6 student and teacher have no word in common, .*Leave such texts out/
    await refused({ hidden: {} }, message, { opens: false, places })
    // Logits go on without it: a batch of the two empty texts has no states to compare.
    const fit = { ...still, batchSize: 2 }
    const changed = { ...other, opens: false, places }
    await runPlan(
      { stages: [stage({ hidden: {}, soft: {} }, { fit })] },
      bench({ other: () => new AtWords(changed) }),
    )
    expect(steps).toHaveLength(3)
    expect(steps.filter(({ terms }) => terms.hidden === undefined).length).toBeLessThanOrEqual(1)
  })

  it('words that are masked', async () => {
    const { bench } = pieces(roberta, tokenizers.bpe)
    const masked = stage({ words: {}, cosine: {} }, { task: 'words' })
    await expect(runPlan({ stages: [masked] }, bench())).rejects.toThrow(
      /one teacher with the student's vocabulary/,
    )
  })
})
