// Training with masks against PyTorch, 20 steps by six methods: test/golden/prune.py. Then what a plan makes of pruning.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import {
  describePlan,
  fitOptionsOf,
  type Plan,
  type StagePlan,
  stageOf,
} from '../../src/distill/plan/plan.js'
import { roundsOf, withPruning } from '../../src/distill/plan/pruned.js'
import {
  type PruneSettings,
  pruneAt,
  type StagePruning,
  stagePruning,
} from '../../src/distill/plan/pruning.js'
import { runPlan, type StageResult, type Student } from '../../src/distill/plan/runner.js'
import { recipes } from '../../src/distill/recipes/index.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { cut, type DataSet, inOrder } from '../../src/nn/data.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { MaskedLinear } from '../../src/nn/prune/layers.js'
import type { PruneMethodName } from '../../src/nn/prune/methods.js'
import { sparsityOf } from '../../src/nn/prune/prepare.js'
import { computedState } from '../../src/nn/stand-ins/ready.js'
import type { DType } from '../../src/tensor/storage.js'
import { ints, type Tensor } from '../../src/tensor/tensor.js'
import { flatBatch } from '../../src/text/batches.js'
import type { StepReport } from '../../src/train/reports.js'

const file = readFileSync(new URL('../golden/prune/golden.safetensors', import.meta.url))
const { tensors: golden } = readSafetensors(file, { file: 'golden' })
const g = (name: string) => golden.get(name) as Tensor
const STEPS = 20

const texts = Array.from({ length: 8 }, (_, r) => ints(g('ids')).slice(r * 9, (r + 1) * 9))
const data: DataSet<TextInput> = {
  ...{ size: 8, labels: ints(g('labels')) },
  batches: (n) => cut(inOrder(8), n),
  input: (rows) => flatBatch(texts, rows),
  tokens: (rows) => 9 * rows.length,
}

function begun(dtype: DType = 'float32'): Student {
  const size = { vocabSize: 31, maxLength: 9, layers: 2, width: 12, heads: 3, inner: 20 }
  const model = new BertForSequenceClassification({ ...size, dropout: 0, attentionDropout: 0 })
  const own = Array.from(model.stateDict().keys(), (key): [string, Tensor] => [key, g(`start.${key}`)])
  model.loadStateDict(new Map(own))
  return model.to(dtype).eval() as Student
}

const fit = {
  ...{ lr: 1e-3, epochs: STEPS / 2, batchSize: 4, warmup: 0.1, maxNorm: 1, keep: 'last' as const },
}
const stage = (name: string, prune: StagePruning | null, more: Partial<StagePlan> = {}): StagePlan => ({
  ...stageOf({ name, losses: { hard: {} }, teacher: null, fit }),
  ...{ prune, ...more },
})
const pruning = (method: PruneMethodName, more: Partial<PruneSettings> = {}) =>
  stagePruning(method, { begin: 2, hold: 5, ...more })

async function run(
  stages: StagePlan[],
  make: () => Student,
  steps: StepReport[] = [],
): Promise<StageResult[]> {
  return await runPlan(
    { stages },
    {
      ...{ seed: 1, data: () => data, teacher: null, general: null, masked: () => expect.fail() },
      ...{ student: make, teacherLogits: () => expect.fail() },
      watch: () => ({ onStep: (step) => void steps.push(step) }),
    },
  )
}

const far = (a: Tensor, b: Tensor) => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i])))
const masksOf = (model: Student) => model.modules().filter((m) => m instanceof MaskedLinear)

describe.each<[DType, number, number]>([
  ['float64', STEPS, 1e-8],
  ['float32', 8, 1e-6],
])('PyTorch with masks, in %s, %i steps', (dtype, compared, bar) => {
  it.each<[string, StagePruning]>([
    ['magnitude', pruning('magnitude', { sparsity: 0.7 })],
    ['global', pruning('magnitude-global', { sparsity: 0.6 })],
    ['movement', pruning('movement', { sparsity: 0.7 })],
    ['block', pruning('movement', { sparsity: 0.6, pattern: '4x4' })],
    ['of', pruning('movement', { pattern: '2:4' })],
    ['soft', pruning('soft-movement', { threshold: 0.3, penalty: 5, scoreLr: 0.4 })],
  ])('%s', async (name, prune) => {
    const student = begun(dtype)
    const steps: StepReport[] = []
    await run([stage('pruned', prune)], () => student, steps)
    const off = steps.slice(0, compared).map(({ loss }, i) => Math.abs(loss - g(`${name}.losses`).data[i]))
    const worst = Math.max(...off)
    const [{ weight, weightMask }] = masksOf(student)
    console.log(`${name}, ${dtype}: losses ${worst.toExponential(1)} at most from PyTorch`)
    expect(steps).toHaveLength(STEPS)
    expect(worst).toBeLessThan(bar)
    if (compared < STEPS) return
    expect(far(weight, g(`${name}.weight`))).toBeLessThan(bar)
    expect(far(weightMask.mask, g(`${name}.mask`))).toBe(0)
    if (weightMask.scores !== null) expect(far(weightMask.scores, g(`${name}.scores`))).toBeLessThan(bar)
    const kept = masksOf(student).map((m) => Array.from(m.weightMask.mask.data).reduce((a, b) => a + b, 0))
    expect(kept).toEqual([...g(`${name}.kept`).data])
  })
})

const occasion = { transfer: false, labelled: 1000, transferRows: 0, pretrained: true }
const planOf = (recipe: string): Plan =>
  recipes.find((r) => r.name === recipe)?.plan({}, occasion, 'test') as Plan

describe('a plan that is pruned', () => {
  it('prune: movement of 90%, as its paper and code have it', () => {
    const { stages, baseline } = planOf('prune')
    const [{ prune, losses }] = stages
    expect(prune).toEqual({
      ...{ method: 'movement', sparsity: 0.9, pattern: 'single', schedule: 'cubic', begin: 0.1, hold: 0.2 },
      ...{ threshold: 0.1, penalty: 400, scores: 'zero', scoreLr: 0.01, rewind: null },
    })
    expect(baseline.prune).toEqual(prune)
    expect(losses).toMatchObject({ soft: { weight: 0.5, options: { T: 2 } }, hard: { weight: 0.5 } })
    expect(describePlan({ stages })).toContain(
      '  pruned: movement, weights that training moves towards 0, by scores that learn along (90% of each matrix, cubic after 10% of the steps, the last 20% of the steps with all of it, lr of scores 0.01)',
    )
    expect(fitOptionsOf(stages[0]).groups?.apartScale).toBeCloseTo(0.01 / 3e-5, 9)
  })

  it('is pruned where no other stage goes on, and alone too', () => {
    const plan = withPruning(planOf('tinybert'), stagePruning('magnitude', { sparsity: 0.5 }))
    const pruned = plan.stages.map(({ name, prune }) => [name, prune?.method ?? null])
    expect(pruned.at(-1)).toEqual(['prediction', 'magnitude'])
    expect(pruned.slice(0, -1).every(([, method]) => method === null)).toBe(true)
    expect(plan.baseline.prune?.method).toBe('magnitude')
  })

  it('lottery: each round prunes more, and begins with the first weights', () => {
    const lottery = stagePruning('lottery', { sparsity: 0.9 })
    expect(roundsOf(lottery)).toBe(10)
    const { stages } = withPruning(planOf('hinton'), lottery, 3)
    expect(stages.map(({ name, start }) => [name, start])).toEqual([
      ['distil-round-1', 0],
      ['distil-round-2', 'distil-round-1'],
      ['distil-round-3', 'distil-round-2'],
      ['distil', 'distil-round-3'],
    ])
    expect(stages.map(({ prune }) => prune?.sparsity)).toEqual(
      [0, 0.3, 0.6, 0.9].map((x) => expect.closeTo(x)),
    )
    expect(stages.map(({ prune }) => prune?.rewind)).toEqual([null, 0, 0, 0])
    expect(() => withPruning(planOf('tinybert'), lottery)).toThrow(/prediction goes on from/)
  })

  it('by --config: settings over those that are there, or none', () => {
    const before = stagePruning('movement', { sparsity: 0.9 })
    const at = (value: unknown, old: StagePruning | null = before) =>
      pruneAt('plan.json', 'stages.a.prune', value, old)
    expect(at(null)).toBe(null)
    expect(at({ sparsity: 0.8, hold: 100 })).toEqual({ ...before, sparsity: 0.8, hold: 100 })
    expect(at({ method: 'soft-movement', penalty: 30 })).toMatchObject({ sparsity: null, penalty: 30 })
    expect(at({ sparsity: 0.5 }, null)).toMatchObject({ method: 'movement', sparsity: 0.5 })
    expect(at({ pattern: '2:4' }, null)).toMatchObject({ method: 'movement', sparsity: 0.5 })
    expect(() => at({ sparsty: 0.5 })).toThrow(/plan.json.*stages.a.prune.sparsty is not known.*sparsity/)
    expect(() => at('magnitude')).toThrow(/stages.a.prune: .*magnitude needs a sparsity/)
    expect(() => at({ method: 'soft-movement', sparsity: 0.5 })).toThrow(/penalty decides/)
    expect(() => at({ pattern: '1' })).toThrow(/plan.json.*stages.a.prune: .*pattern must be single/)
    expect(() => at({ method: 'lottery', sparsity: 0.5 })).toThrow(/lottery is a row of stages/)
    expect(() => at({ sparsity: 2 })).toThrow(/stages.a.prune.sparsity must be a number from 0/)
  })
})

describe('a stage', () => {
  const half = stagePruning('magnitude', { sparsity: 0.5, begin: 0, hold: 4 })

  it('keeps no weights from before all are gone that are to go', async () => {
    const student = begun()
    const figures = [1, 1, 1, 1, 1, 1, 0.5, 0.4, 0.6, 0.3]
    let epoch = 0
    const [{ result }] = await runPlan(
      { stages: [stage('pruned', half, { fit: { ...stage('a', null).fit, keep: 'best' } })] },
      {
        ...{ seed: 1, data: () => data, teacher: null, general: null, masked: () => expect.fail() },
        ...{ student: () => student, teacherLogits: () => expect.fail() },
        watch: () => ({ evaluate: () => figures[epoch++] }),
      },
    )
    // 20 steps, 2 an epoch: from step 16 on all are gone.
    expect(result.evaluations.map(({ best }) => best)).toEqual(figures.map((_, i) => i === 7 || i === 8))
    expect(result.best.epoch).toBe(9)
    expect(sparsityOf(student).zeros).toBe(0.5 * sparsityOf(student).weights)
  })

  it('goes on with the masks of the one before, and without pruning with its zeros', async () => {
    const student = begun()
    const more = stagePruning('magnitude', { sparsity: 0.8, begin: 0, hold: 4 })
    const first = stage('a', half)
    const second = stage('b', more, { start: 'a' })
    const masked: number[][] = []
    await runPlan(
      { stages: [first, second, stage('c', null, { start: 'b' })] },
      {
        ...{ seed: 1, data: () => data, teacher: null, general: null, masked: () => expect.fail() },
        ...{ student: () => student, teacherLogits: () => expect.fail() },
        watch: ({ name }) => ({
          onStep: ({ step }) => {
            if (step === 1 || step === STEPS)
              masked.push([masksOf(student).length, sparsityOf(student).zeros / sparsityOf(student).weights])
            expect(name).toMatch(/^[abc]$/)
          },
        }),
      },
    )
    const [, endOfA, startOfB, endOfB, startOfC, endOfC] = masked
    expect(endOfA).toEqual([12, 0.5])
    expect(startOfB[1]).toBeGreaterThanOrEqual(0.5)
    expect(endOfB[1]).toBeCloseTo(0.8, 2)
    expect([startOfC[0], endOfC[0]]).toEqual([0, 0])
    expect(endOfC[1]).toBe(0)
  })

  it('lottery: what stays has the first weights again, and masks follow from the trained ones', async () => {
    const first = begun()
    const { stages } = withPruning(
      { ...planOf('hinton'), stages: [stage('pruned', null)] },
      stagePruning('lottery', { sparsity: 0.6 }),
      2,
    )
    const students: Student[] = []
    const starts = new Map<string, Map<string, Tensor>>()
    const ends = new Map<string, Map<string, Tensor>>()
    const results = await runPlan(
      { stages },
      {
        ...{ seed: 1, data: () => data, teacher: null, general: null, masked: () => expect.fail() },
        teacherLogits: () => expect.fail(),
        student: () => {
          students.push(begun())
          return students[students.length - 1]
        },
        watch: ({ name }, model) => {
          starts.set(name, computedState(model))
          return { onEpoch: () => void ends.set(name, computedState(model)) }
        },
      },
    )
    expect(new Set(results.map(({ model }) => model)).size).toBe(1)
    const query = 'bert.encoder.layer.0.attention.self.query.weight'
    const whole = first.stateDict()
    for (const [round, { name }] of stages.entries()) {
      const begunAs = starts.get(name) as Map<string, Tensor>
      for (const [key, t] of begunAs)
        for (const [i, x] of t.data.entries())
          if (x !== 0) expect(x, `${name} ${key}`).toBe((whole.get(key) as Tensor).data[i])
      const zeros = Array.from((begunAs.get(query) as Tensor).data, (x) => x === 0)
      if (round === 0) continue
      // The largest of what training made, of all matrices together.
      const trained = (ends.get(stages[round - 1].name) as Map<string, Tensor>).get(query) as Tensor
      const sizes = Array.from(trained.data, Math.abs)
      const kept = sizes.filter((_, i) => !zeros[i])
      const gone = sizes.filter((_, i) => zeros[i])
      expect(Math.min(...kept)).toBeGreaterThanOrEqual(Math.max(...gone))
    }
    // Models that gave their weights back are gone.
    expect(students.slice(1).every((s) => s.parameters().every((p) => p.disposed))).toBe(true)
    expect(sparsityOf(results[0].model).zeros).toBe(Math.round(0.6 * sparsityOf(results[0].model).weights))
  })
})
