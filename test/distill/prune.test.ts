// Training with masks against PyTorch, 20 steps by six methods: test/golden/prune.py. Then what a plan makes of pruning.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { type Plan, type StagePlan, stageOf } from '../../src/distill/plan/plan.js'
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
import { pruneAware, sparsityOf } from '../../src/nn/prune/prepare.js'
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
    const kept = masksOf(student).map((m) => m.weightMask.mask.data.reduce((a, b) => a + b, 0))
    expect(kept).toEqual([...g(`${name}.kept`).data])
  })
})
