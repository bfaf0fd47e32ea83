// Plans: what the runner makes of them, the losses they name, and what a new loss needs to plug in.
import { afterEach, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { mse } from '../../src/autograd/ops/losses/losses.js'
import { randomScope } from '../../src/autograd/random.js'
import { dkppTargets } from '../../src/distill/controls.js'
import { sharedBuffers } from '../../src/distill/doctor.js'
import { fromLayers } from '../../src/distill/from-layers.js'
import { withConfig } from '../../src/distill/plan/config.js'
import { type LossContext, type PlanLoss, planLoss } from '../../src/distill/plan/loss.js'
import { lossTable } from '../../src/distill/plan/loss-table.js'
import { describePlan, type StagePlan, stageOf } from '../../src/distill/plan/plan.js'
import type { Pull } from '../../src/distill/plan/pulls.js'
import { type Bench, runPlan, type Student } from '../../src/distill/plan/runner.js'
import { editDistance, nearest, numberFrom } from '../../src/distill/plan/settings.js'
import { ablations, aloneVariant, mainName, modelNames } from '../../src/distill/plan/variants.js'
import { recipes } from '../../src/distill/recipes/index.js'
import type { Occasion } from '../../src/distill/recipes/recipe.js'
import { combineLogits } from '../../src/distill/teachers/combine.js'
import { Linear } from '../../src/nn/layers.js'
import { BertForMaskedLM, BertForSequenceClassification } from '../../src/nn/models/bert.js'
import type { HeadOutput } from '../../src/nn/models/pretrained.js'
import { fold, integerAt, keyOf } from '../../src/tensor/rng.js'
import { encodedData } from '../../src/text/dataset.js'
import { maskedTexts } from '../../src/train/masked-data.js'
import { probabilities } from '../../src/train/metrics.js'
import { predict } from '../../src/train/predict.js'
import type { StepReport } from '../../src/train/reports.js'

const table = lossTable as Record<string, PlanLoss>
afterEach(() => {
  delete table.states
})

const size = { vocabSize: 20, maxLength: 8, layers: 2, heads: 2, inner: 16, labels: ['a', 'b', 'c'] }
const model = (seed: number, width: number, more = {}): Student =>
  randomScope(keyOf(seed), () => new BertForSequenceClassification({ ...size, width, ...more })).eval()

const rows = Array.from({ length: 24 }, (_, r) =>
  Int32Array.from({ length: 3 + (r % 4) }, (_, i) => 1 + integerAt(fold(keyOf(3), r), i, 19)),
)
const texts = encodedData(
  rows.map((ids) => ({ ids, typeIds: new Int32Array(ids.length) })),
  0,
)
const labels = Int32Array.from(rows, (_, i) => i % 3)
const teacher = model(1, 8)

function bench(more: Partial<Bench> = {}): Bench {
  return {
    ...{ seed: 1, data: () => ({ ...texts, labels }), teacher, general: null, watch: () => ({}) },
    masked: () => maskedTexts(texts, { weights: new Float64Array(20).fill(1), maskId: 1 }),
    student: (start) => model(100 + start, 8),
    teacherLogits: () => predict(teacher, texts),
    ...more,
  }
}

const fit = { epochs: 2, lr: 1e-2, batchSize: 8 }
const context = (student: number[][], teach: number[][], own: number[] | null, progress = 0) =>
  ({
    student: { logits: tensor(student, { dtype: 'float64', requiresGrad: true }) } as HeadOutput,
    teacher: { logits: tensor(teach, { dtype: 'float64' }) },
    labels: own && tensor(Int32Array.from(own)),
    ...{
      progress,
      layers: null,
      words: null,
      task: 'classes',
      configs: { student: teacher.config, teacher: null },
    },
    input: { inputIds: tensor(new Int32Array(0)), starts: tensor(Int32Array.of(0)) },
  }) satisfies LossContext
const compute = (name: string, c: LossContext, options = {}) =>
  lossTable[name].bind(options, { file: 'test', where: '' }).compute(c, null)?.item() ?? Number.NaN

const z = [
  [1, 2, 0.5],
  [0, -1, 3],
]
const t = [
  [2, 0, 1],
  [1, 1.5, -1],
]
const ce = (target: number[], logits: number[]) => {
  const p = probabilities(logits, 0, logits.length)
  return target.reduce((sum, y, c) => sum - y * Math.log(p[c]), 0)
}
const onehot = (c: number) => [0, 1, 2].map((i) => (i === c ? 1 : 0))

describe('losses in the table', () => {
  it('annealed mixes the targets by progress; rows without a label have the teacher alone', () => {
    for (const p of [0, 0.25, 1]) {
      const mixed = (r: number, share: number, label: number) =>
        probabilities(t[r], 0, 3).map((q, c) => share * onehot(label)[c] + (1 - share) * q)
      const want = (ce(mixed(0, p, 2), z[0]) + ce(mixed(1, 0, 0), z[1])) / 2
      expect(compute('annealed', context(z, t, [2, -100], p))).toBeCloseTo(want, 12)
    }
  })

  it('hard counts rows without a label as 0, and is nothing without any', () => {
    expect(compute('hard', context(z, t, [1, -100]))).toBeCloseTo(ce(onehot(1), z[0]) / 2, 12)
    expect(compute('hard', context(z, t, [1, 0]))).toBeCloseTo(
      (ce(onehot(1), z[0]) + ce(onehot(0), z[1])) / 2,
      12,
    )
    expect(compute('hard', context(z, t, null))).toBeNaN()
  })

  it("CWTM weighs rows by the teacher's largest probability", () => {
    const [a, b] = t.map((row) => Math.max(...probabilities(row, 0, 3)))
    const want = (a * ce(onehot(1), z[0]) + b * ce(onehot(0), z[1])) / (a + b)
    expect(compute('cwtm', context(z, t, [1, 0]))).toBeCloseTo(want, 12)
  })

  it('DKPP keeps the largest probability and the others as a set, as a function of the key', () => {
    const many = tensor(
      Array.from({ length: 40 }, (_, i) => [0.1 * i, 3, -1, 0.5, 1.5]),
      { dtype: 'float64' },
    )
    const [a, again, other] = [5, 5, 6].map((seed) => dkppTargets(many, keyOf(seed)).toArray() as number[][])
    expect(a).toEqual(again)
    expect(a).not.toEqual(other)
    a.forEach((row, r) => {
      const p = probabilities(many.data, r * 5, 5)
      const top = p.indexOf(Math.max(...p))
      expect(row[top]).toBe(p[top])
      expect(row.toSorted()).toEqual(p.toSorted())
    })
    expect(a.some((row, r) => row.some((x, c) => x !== probabilities(many.data, r * 5, 5)[c]))).toBe(true)
  })
})

describe('several teachers', () => {
  const [a, b] = [Float32Array.of(1, 2, 0, 0, 0, 9), Float32Array.of(3, 0, 0, 0.1, 0, 0)]

  it('mean probabilities at T, mean logits, and weights', () => {
    const T = 3
    const mean = combineLogits([a, b], 3, { of: 'probabilities', weights: 'equal' }, T)
    const want = [0, 1, 2].map((c) => (probabilities(a, 0, 3, T)[c] + probabilities(b, 0, 3, T)[c]) / 2)
    probabilities(mean, 0, 3, T).forEach((p, c) => {
      expect(p).toBeCloseTo(want[c], 6)
    })
    expect([...combineLogits([a, b], 3, { of: 'logits', weights: 'equal' }, T).slice(0, 3)]).toEqual([
      2, 1, 0,
    ])
    const by = combineLogits([a, b], 3, { of: 'logits', weights: 'accuracy' }, T, [0.9, 0.3])
    expect(by[0]).toBeCloseTo(1.5, 6)
    const sure = combineLogits([a, b], 3, { of: 'logits', weights: 'entropy' }, T)
    expect(sure[5] / 9).toBeGreaterThan(0.7)
    expect(combineLogits([a], 3, { of: 'probabilities', weights: 'equal' }, T)).toBe(a)
  })
})

describe('the runner', () => {
  it('born again: no generation shares memory with another, and none changes its teacher', async () => {
    const before = teacher.snapshot()
    const plan = recipes
      .find((r) => r.name === 'born-again')!
      .plan(
        { generations: 3 },
        { transfer: false, labelled: 1000, transferRows: 0, pretrained: false },
        'test',
      )
    const short = { ...plan, stages: plan.stages.map((s) => ({ ...s, fit: { ...s.fit, ...fit } })) }
    const kept: Map<string, unknown>[] = []
    const results = await runPlan(
      short,
      bench({ watch: (_, m) => ({ onEpoch: () => void kept.push(m.snapshot()) }) }),
    )
    const models = [teacher, ...results.map((r) => r.model)]
    for (const [i, one] of models.entries())
      for (const other of models.slice(i + 1)) expect(sharedBuffers(one, other)).toEqual([])
    expect(results.map((r) => r.stage.name)).toEqual([
      'cwtm',
      'dkpp',
      'generation-1',
      'generation-2',
      'generation-3',
    ])
    for (const [name, p] of teacher.namedParameters()) {
      expect(p.toArray(), name).toEqual(before.get(name)?.toArray())
      expect(p.grad, name).toBeNull()
    }
  })

  it('refuses a student that is its teacher', async () => {
    const stage = stageOf({ name: 'distil', losses: { soft: {} }, fit })
    await expect(runPlan({ stages: [stage] }, bench({ student: () => teacher }))).rejects.toThrow(
      /distil: .* of the student is .* of the teacher, in the same memory. Copy the weights/,
    )
  })

  it('takes a new loss on hidden states with a projection that is trained along, and a weight that changes', async () => {
    const seen: number[] = []
    const projections: unknown[] = []
    table.states = planLoss({
      needs: { teacher: true, layerMap: true, outputs: { hiddenStates: true } },
      settings: { scale: numberFrom(0, 10, 1) },
      formula: ({ scale }) => `${scale} MSE(h_s W, h_t)`,
      learnt: (s, t) => new Linear(s.width, t?.width ?? 0),
      compute: ({ student, teacher, layers, progress }, _, learnt) => {
        seen.push(progress)
        projections.push((learnt as Linear).weight.toArray())
        const [, [s, t]] = layers!.hidden
        const h = (learnt as Linear).forward(student.hiddenStates![s])
        return mse(h, teacher!.hiddenStates![t])
      },
    })
    const stages = [
      stageOf({
        ...{ name: 'layers', fit: { ...fit, epochs: 3 }, layerMap: [[0, 1]] },
        losses: { states: { weight: { from: 1, to: 0 } } },
      }),
      stageOf({ name: 'prediction', start: 'layers', losses: { soft: { options: { T: 1 } } }, fit }),
    ]
    const student = model(9, 4)
    const losses: number[] = []
    const before = student.snapshot()
    const small = bench({
      student: () => student,
      watch: () => ({ onStep: (s) => void losses.push(s.terms.states) }),
    })
    const results = await runPlan({ stages }, small)
    expect(results[1].model).toBe(student)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => i / 9))
    expect(losses[8]).toBeLessThan(losses[0])
    expect(projections[8]).not.toEqual(projections[0])
    expect(student.stateDict().get('classifier.weight')?.toArray()).not.toEqual(
      before.get('classifier.weight')?.toArray(),
    )
    await expect(runPlan({ stages }, bench({ teacher: null }))).rejects.toThrow(
      /layers: its losses compare the models word by word/,
    )
  })

  it('carries what a loss learnt to the stage that goes on, where the shape is the same', async () => {
    const layers = (name: string, start: number | string, sharing: string) =>
      stageOf({ name, start, losses: { hidden: { options: { projection: sharing } } }, fit })
    const run = async (stages: StagePlan[]) => {
      const terms: number[] = []
      await runPlan(
        { stages },
        bench({ student: () => model(9, 4), watch: () => ({ onStep: (s) => void terms.push(s.loss) }) }),
      )
      return terms
    }
    const [a, b, other] = [layers('a', 0, 'shared'), layers('b', 'a', 'shared'), layers('b', 'a', 'each')]
    const [carried, anew] = [await run([a, b]), await run([a, other])]
    expect(carried.slice(0, 6)).toEqual(anew.slice(0, 6))
    // As one training without a break: the loss goes on from where it was.
    expect(carried[6]).toBeLessThan(1.1 * carried[5])
    expect(anew[6]).toBeGreaterThan(1.1 * anew[5])
  })

  it("teacherDropout: the live teacher drops out by the batch's key, and is left in eval mode", async () => {
    const drops = model(1, 8, { dropout: 0.3 })
    const run = async (stage: Partial<StagePlan>, more: Partial<Bench> = {}, losses = ['hidden']) => {
      const terms: number[] = []
      const own = Object.fromEntries(losses.map((name) => [name, {}]))
      const stages = [{ ...stageOf({ name: 'distil', losses: own, fit }), ...stage }]
      const watch: Bench['watch'] = () => ({ onStep: (s) => void terms.push(s.loss) })
      await runPlan({ stages }, bench({ teacher: drops, watch, ...more }))
      return terms
    }
    const on = { teacherDropout: true }
    const [off, first, again, seed, name] = [
      ...[await run({}), await run(on), await run(on), await run(on, { seed: 2 })],
      await run({ ...on, name: 'other' }),
    ]
    expect(again).toEqual(first)
    expect(new Set([off, first, seed, name].map(([loss]) => loss)).size).toBe(4)
    expect(drops.training).toBe(false)
    // Logits too are then the teacher's own at each step.
    expect(await run(on, {}, ['soft'])).not.toEqual(await run({}, {}, ['soft']))
    await expect(run(on, { teacher: null }, ['soft'])).rejects.toThrow(
      /distil: teacherDropout needs the teacher itself, not its stored logits/,
    )
  })

  it('tells how hard each loss pulls at the student on the first batch, and changes no bit', async () => {
    const run = async (losses: Record<string, object>, look?: Bench['look']) => {
      const drops = model(9, 8, { dropout: 0.3, attentionDropout: 0.1 })
      const steps: StepReport[] = []
      const watch: Bench['watch'] = () => ({ onStep: (s) => void steps.push(s) })
      // Padded whatever the losses: what dropout drops depends on it.
      const stage = stageOf({ name: 'layers', losses, fit, padTo: 1 })
      await runPlan({ stages: [stage] }, bench({ student: () => drops, watch, look }))
      return { steps, weights: drops.snapshot() }
    }
    const told: [string, readonly Pull[]][] = []
    const look: Bench['look'] = ({ name }, pulls) => void told.push([name, pulls])
    const both = { soft: { weight: 3 }, attention: {} }
    const [plain, looked] = [await run(both), await run(both, look)]
    for (const [name, w] of plain.weights)
      expect(looked.weights.get(name)?.toArray(), name).toEqual(w.toArray())
    expect(looked.steps).toEqual(plain.steps)
    const [[name, [soft, attention]], ...others] = told
    expect([name, soft.name, soft.weight, attention.name, others]).toEqual([
      'layers',
      'soft',
      3,
      'attention',
      [],
    ])
    expect([soft, attention].map((p) => p.value)).toEqual(Object.values(plain.steps[0].terms))
    // Each loss alone has that gradient in its first step.
    const alone = [await run({ soft: { weight: 3 } }, look), await run({ attention: {} }, look)]
    for (const [i, pull] of [soft, attention].entries())
      expect(pull.gradient / alone[i].steps[0].gradNorm).toBeCloseTo(1, 5)
    expect(told).toHaveLength(1)
  })

  it('goes on from masked words to classes with the same encoder, and refuses what has no head for words', async () => {
    const words = (seed: number) =>
      randomScope(keyOf(seed), () => new BertForMaskedLM({ ...size, width: 8 })).eval() as Student
    const stages = [
      stageOf({
        ...{ name: 'general', task: 'words', data: 'text', teacher: 'general', fit },
        losses: { soft: {}, words: { weight: 2 }, cosine: {} },
      }),
      stageOf({ name: 'task', start: 'general', losses: { soft: {} }, fit: { ...fit, lr: 0 } }),
    ]
    const student: Bench['student'] = (start, task) => (task === 'words' ? words(50) : model(100 + start, 8))
    const terms: Record<string, number>[] = []
    const watch: Bench['watch'] = () => ({ onStep: (s) => void terms.push(s.terms) })
    const [a, b] = await runPlan({ stages }, bench({ student, general: words(60), watch }))
    expect([Object.keys(terms[0]), Object.keys(terms[6])]).toEqual([['soft', 'words', 'cosine'], ['soft']])
    expect([a.model.kind, b.model.kind]).toEqual(['masked-lm', 'sequence-classification'])
    const name = 'bert.encoder.layer.1.output.dense.weight'
    const [before, after, fresh] = [a.model, b.model, words(50)].map((m) =>
      m.stateDict().get(name)?.toArray(),
    )
    expect(after).toEqual(before)
    expect(after).not.toEqual(fresh)
    await expect(runPlan({ stages }, bench({ student }))).rejects.toThrow(
      /general: its teacher must guess masked words, not sequence-classification/,
    )
    const squares = { ...stages[0], losses: { attention: { weight: 1, options: {} } } }
    await expect(runPlan({ stages: [squares] }, bench({ student, general: words(60) }))).rejects.toThrow(
      /general: attention does not go with masked words/,
    )
  })

  it('names a batch without anything to learn from', async () => {
    const stage = stageOf({ name: 'alone', losses: { hard: {} }, teacher: null, fit })
    const none = bench({ data: () => texts })
    await expect(runPlan({ stages: [stage] }, none)).rejects.toThrow(
      /alone: a batch has no labels, and hard learns from nothing else/,
    )
  })
})

describe('plans', () => {
  it('tinybert leaves attention out where random weights meet the task alone', () => {
    const intermediate = (name: string, more: Partial<Occasion>, stage = 'intermediate') => {
      const plan = recipes
        .find((r) => r.name === name)!
        .plan({}, { transfer: false, pretrained: false, labelled: 40, transferRows: 0, ...more }, 'test')
      const { losses, fit } = plan.stages.find((s) => s.name === stage)!
      return [losses.attention.weight, fit.lr]
    }
    expect(intermediate('tinybert', {})).toEqual([0, 5e-4])
    for (const more of [{ pretrained: true }, { transfer: true }, { text: true }])
      expect(intermediate('tinybert', more)).toEqual([1, 5e-5])
    expect(intermediate('tinybert-code', {})).toEqual([1, 5e-5])
    // Plain text then begins at the rate of random weights.
    expect(intermediate('tinybert', { text: true }, 'general')).toEqual([1, 5e-4])
    expect(intermediate('tinybert', { text: true, pretrained: true }, 'general')).toEqual([1, 5e-5])
  })

  it('begin with plain text, and leave the transfer set to the task unless it is that text', () => {
    const rows = (name: string, more: Partial<Occasion>) =>
      recipes
        .find((r) => r.name === name)!
        .plan(
          {},
          { transfer: false, pretrained: false, general: true, labelled: 40, transferRows: 0, ...more },
          'test',
        )
        .stages.map((stage) => stage.data)
    for (const [name, task] of [
      ['tinybert', 2],
      ['tinybert-code', 2],
      ['minilm', 1],
      ['minilm2', 1],
      ['mobilebert', 1],
      ['distilbert', 1],
    ] as const) {
      const expected = (kind: string) => ['text', ...Array<string>(task).fill(kind)]
      expect(rows(name, { transfer: true }), name).toEqual(expected('labelled'))
      expect(rows(name, { text: true }), name).toEqual(expected('labelled'))
      expect(rows(name, { text: true, transfer: true }), name).toEqual(expected('transfer'))
      expect(rows(name, {}), name).not.toContain('text')
    }
    expect(rows('distilbert', { general: false, transfer: true })).toEqual(['transfer'])
  })

  it('can be left without each loss in turn', () => {
    const stages = [
      stageOf({ name: 'one', losses: { dkpp: {}, soft: {} } }),
      stageOf({ name: 'two', losses: { soft: {} }, start: 'one' }),
    ]
    const plan = {
      recipe: 'x',
      teachers: { of: 'logits', weights: 'equal' },
      stages,
      ensemble: [],
      baseline: stages[0],
    } as const
    const { variants, skipped } = ablations(plan)
    expect(skipped).toEqual([])
    expect(
      variants.map(({ label, plan }) => [
        label,
        plan.stages.map((s) => [s.name, Object.keys(s.losses), s.start]),
      ]),
    ).toEqual([
      [
        'without dkpp',
        [
          ['one', ['soft'], 0],
          ['two', ['soft'], 'one'],
        ],
      ],
      ['without soft', [['one', ['dkpp'], 0]]],
    ])
    expect([...modelNames(plan, null).values()]).toEqual(['distilled'])
    const layers = { ...plan, stages: [stageOf({ name: 'one', losses: { hidden: {} } }), stages[1]] }
    expect(
      ablations(layers).variants.map(({ label, plan }) => [
        label,
        plan.stages.map((s) => [s.name, Object.keys(s.losses)]),
      ]),
    ).toEqual([
      ['without hidden', [['two', ['soft']]]],
      [
        'without soft',
        [
          ['one', ['hidden']],
          ['two', ['hard']],
        ],
      ],
    ])
    const only = { ...plan, stages: [stages[0]].map((s) => ({ ...s, losses: { soft: s.losses.soft } })) }
    expect(ablations(only)).toEqual({ variants: [], skipped: ['soft'] })
  })

  it('give the lone student its own schedule, and one of as many steps', () => {
    const counts = { labelled: 1000, transferRows: 5000, textRows: 5000 }
    const long = stageOf({
      name: 'long',
      losses: { soft: {} },
      data: 'transfer',
      fit: { epochs: 2, batchSize: 100, accumulate: 2 },
    })
    const text = stageOf({
      name: 'text',
      losses: { soft: {} },
      data: 'text',
      fit: { epochs: 1, batchSize: 100 },
    })
    const alone = stageOf({ name: 'alone', losses: { hard: {} }, fit: { epochs: 3, batchSize: 50 } })
    const plan = {
      recipe: 'x',
      teachers: { of: 'logits', weights: 'equal' },
      ensemble: [],
      baseline: alone,
    } as const
    const epochs = (stages: StagePlan[], rows: typeof counts | null = counts) =>
      aloneVariant({ ...plan, stages }, rows).plan.stages.map((s) => [s.name, s.start, s.fit.epochs])
    // 60 batches of 100 are 30 steps of two; 20 batches of 50 are an epoch of the lone student.
    expect(epochs([long])).toEqual([['alone', 0, 3]])
    expect(epochs([text, { ...long, start: 'text' }])).toEqual([
      ['alone', 0, 3],
      ['alone-as-many-steps', 0, 6],
    ])
    expect(epochs([text, long])).toEqual([['alone', 0, 3]])
    expect(epochs([text, { ...long, start: 'text' }], null)).toEqual([['alone', 0, 3]])
  })

  it('leave the lone student as it is, unless it is named', () => {
    const [hinton] = recipes
    const plan = hinton.plan({}, { transfer: false, labelled: 1000, transferRows: 0, pretrained: false }, 'x')
    const common = withConfig(plan, 'x', { epochs: 7, lr: 0.1 })
    expect(common.stages[0].fit).toMatchObject({ epochs: 7, lr: 0.1 })
    expect(common.baseline).toEqual(plan.baseline)
    const named = withConfig(plan, 'x', { epochs: 7, stages: { alone: { epochs: 9 } } })
    expect(named.baseline).toEqual({ ...plan.baseline, fit: { ...plan.baseline.fit, epochs: 9 } })
  })

  it('soften the answers of few classes, and of many for students with trained weights alone', () => {
    const T = (name: string, more: Partial<Occasion>, given = {}) => {
      const occasion = { transfer: false, labelled: 1000, transferRows: 0, pretrained: false, ...more }
      const plan = recipes.find((recipe) => recipe.name === name)!.plan(given, occasion, 'test')
      return plan.stages[0].losses.soft.options.T
    }
    for (const name of ['hinton', 'multi-teacher']) {
      expect([2, 10, 11].map((classes) => T(name, { classes }))).toEqual([2, 2, 1])
      expect(T(name, {})).toBe(2)
      expect(T(name, { classes: 25, pretrained: true })).toBe(2)
      expect(T(name, { classes: 25 }, { T: 4 })).toBe(4)
    }
  })

  it('have steps by rows, of a new student more where many have labels', () => {
    const [hinton] = recipes
    const epochs = (labelled: number, transferRows: number, pretrained = false) =>
      hinton.plan({}, { transfer: transferRows > 0, labelled, transferRows, pretrained }, 'test').stages[0]
        .fit.epochs
    expect([epochs(40, 0), epochs(500, 19_500), epochs(6920, 13_080)]).toEqual([25, 4, 4])
    expect([epochs(20_000, 20_000), epochs(20_000, 50_000), epochs(100_000, 20_000)]).toEqual([4, 3, 2])
    expect(epochs(20_000, 20_000, true)).toBe(3)
  })

  it('print their loss', () => {
    for (const recipe of recipes) {
      const plan = recipe.plan(
        {},
        { transfer: false, labelled: 1000, transferRows: 0, pretrained: false },
        'test',
      )
      expect(describePlan(plan)).toMatch(/^[\w-]+: loss = .*(softmax\(z_s|MSE\(z_t, z_s\))/m)
      expect(plan.stages.map((s) => s.name)).not.toContain(plan.baseline.name)
    }
    const born = recipes
      .find((r) => r.name === 'born-again')!
      .plan({}, { transfer: false, labelled: 1000, transferRows: 0, pretrained: false }, 'test')
    expect(mainName(born)).toBe('generation-3')
  })

  it('name their optimizer: the paper of bilstm takes Adadelta', () => {
    const occasion = { transfer: true, labelled: 100, transferRows: 900, pretrained: false }
    const planOf = (name: string, given = {}) =>
      recipes.find((r) => r.name === name)!.plan(given, occasion, 'x')
    const pace = { optimizer: 'adadelta', lr: 1, rho: 0.95, eps: null, batchSize: 50, epochs: 30 }
    const usual = planOf('bilstm')
    expect(usual.stages[0].fit).toMatchObject({ optimizer: 'adamw', lr: 1e-3, batchSize: 32 })
    const paper = planOf('bilstm', { paper: true })
    expect(paper.stages[0].fit).toMatchObject({ ...pace, maxNorm: 1 })
    expect(paper.baseline.fit).toMatchObject(pace)
    expect(paper.stages[0].losses).toEqual(usual.stages[0].losses)
    const code = describePlan(planOf('bilstm-code'))
    expect(code).toContain('distil: loss = MSE(z_t, z_s) + CE(y, softmax(z_s))')
    expect(code).toContain(
      'lr 1 constant, warm-up 0, batch 50, weight decay 0, gradient norm 30000, Adadelta with rho 0.95',
    )

    const given = { optimizer: 'adadelta', rho: 0.8 }
    expect(withConfig(usual, 'x', given).stages[0].fit).toMatchObject(given)
    expect(() => withConfig(usual, 'x', { rho: 0.8 })).toThrow(
      'rho is a setting of adadelta, the optimizer is adamw. Give optimizer: adadelta too',
    )
    expect(() => withConfig(paper, 'x', { stages: { distil: { betas: [0.9, 0.98] } } })).toThrow(
      'stages.distil.betas is a setting of adamw, the optimizer is adadelta',
    )
    expect(() => withConfig(usual, 'x', { optimizer: 'adam' })).toThrow('optimizer must be adamw or adadelta')
  })

  it('know the nearest name', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3)
    expect(nearest('tempratur', ['epochs', 'temperature'])).toBe('temperature')
    expect(nearest('x', [])).toBeUndefined()
  })

  it('make students of layers, in any order, without shared memory', () => {
    const student = fromLayers(teacher, [1, 0, 1])
    const own = (m: Student, i: number) =>
      m.stateDict().get(`bert.encoder.layer.${i}.output.dense.weight`)?.toArray()
    expect([0, 1, 2].map((i) => own(student, i))).toEqual([1, 0, 1].map((i) => own(teacher, i)))
    expect(sharedBuffers(student, teacher)).toEqual([])
    expect(() => fromLayers(teacher, [2])).toThrow(/there is no layer 2, the teacher has 0 to 1/)
  })
})
