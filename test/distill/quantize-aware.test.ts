// Training with quantization against PyTorch, 20 steps by four schemes in float64: test/golden/quantize_aware.py.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { savedSize } from '../../src/distill/on-grid.js'
import type { StagePlan } from '../../src/distill/plan/plan.js'
import { stageQuantization } from '../../src/distill/plan/quantization.js'
import { runPlan, type Student } from '../../src/distill/plan/runner.js'
import { recipes } from '../../src/distill/recipes/index.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { cut, type DataSet, inOrder } from '../../src/nn/data.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import type { TextInput } from '../../src/nn/models/input.js'
import { quantizeAware, stateOnGrid } from '../../src/nn/quantize-aware/prepare.js'
import { quantize, quantizedLayers } from '../../src/nn/quantized/quantize.js'
import type { DType } from '../../src/tensor/storage.js'
import { ints, type Tensor } from '../../src/tensor/tensor.js'
import { flatBatch } from '../../src/text/batches.js'
import { predict } from '../../src/train/predict.js'
import type { StepReport } from '../../src/train/reports.js'

const file = readFileSync(new URL('../golden/quantize_aware/golden.safetensors', import.meta.url))
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

function begun(dtype: DType): Student {
  const size = { vocabSize: 31, maxLength: 9, layers: 2, width: 12, heads: 3, inner: 20 }
  const model = new BertForSequenceClassification({ ...size, dropout: 0, attentionDropout: 0 })
  const own = Array.from(model.stateDict().keys(), (key): [string, Tensor] => [key, g(`teacher.${key}`)])
  model.loadStateDict(new Map(own))
  return model.to(dtype).eval() as Student
}

const fit = {
  ...{ lr: 1e-3, epochs: STEPS / 2, batchSize: 4, warmup: 0.1, maxNorm: 1 },
  schedule: 'linear' as const,
  ...{ weightDecay: 0.01, eps: 1e-8, biasCorrection: true },
  clip: 'global' as const,
  keep: 'last' as const,
}

function stageFrom(recipe: string, name: string, more: Partial<StagePlan> = {}): StagePlan {
  const occasion = { transfer: false, labelled: 1000, transferRows: 0, pretrained: true }
  const plan = recipes.find((r) => r.name === recipe)!.plan({}, occasion, 'test')
  const stage = [...plan.stages, plan.baseline].find((s) => s.name === name)!
  return { ...stage, data: 'labelled', ...more, fit: { ...stage.fit, ...fit } }
}

const hard = { losses: { hard: { weight: 1, options: {} } }, teacher: null }

// In float32 a number on the border of two levels rounds to the other one sooner or later, and losses then differ by 1e-3.
describe.each<[DType, number, number]>([
  ['float64', STEPS, 1e-8],
  ['float32', 6, 1e-6],
])('PyTorch with quantization, in %s, %i steps', (dtype, compared, bar) => {
  it.each<[string, StagePlan]>([
    ['q8bert', stageFrom('q8bert', 'quantized')],
    ['lsq', stageFrom('lsq', 'quantized', { ...hard, quantize: stageQuantization('lsq', { stepLr: 5e-3 }) })],
    ['ternary', stageFrom('ternarybert', 'ternary', { teacher: 'general' })],
    ['split', stageFrom('binarybert', 'binary-layers', { ...hard, start: 0, teacherDropout: false })],
  ])('%s', async (run, stage) => {
    const student = begun(dtype)
    const teacher = begun(dtype)
    const steps: StepReport[] = []
    await runPlan(
      { stages: [stage] },
      {
        ...{ seed: 1, data: () => data, teacher: null, general: teacher },
        masked: () => expect.fail(),
        student: () => student,
        teacherLogits: () => predict(teacher, data),
        watch: () => ({ onStep: (step) => void steps.push(step) }),
      },
    )
    const off = steps.slice(0, compared).map(({ loss }, i) => Math.abs(loss - g(`${run}.losses`).data[i]))
    const name = 'bert.encoder.layer.0.attention.self.query.weight'
    const far = (a: Tensor, b: Tensor) => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i])))
    const weight = far(student.stateDict().get(name) as Tensor, g(`${run}.weight`))
    const onGrid = far(stateOnGrid(student).get(name) as Tensor, g(`${run}.on-grid`))
    const worst = Math.max(...off)
    console.log(
      `${run}, ${dtype}: losses ${worst.toExponential(1)}, weights ${weight.toExponential(1)} at most from PyTorch`,
    )
    expect(steps).toHaveLength(STEPS)
    expect(worst).toBeLessThan(bar)
    if (compared < STEPS) return
    expect(weight).toBeLessThan(bar)
    expect(onGrid).toBeLessThan(bar)
  })
})

describe('what is saved of a model', () => {
  const plain = () => new BertForSequenceClassification({ ...small, dropout: 0, attentionDropout: 0 })
  const small = { vocabSize: 30, width: 8, layers: 1, heads: 2, inner: 16, maxLength: 12, labels: ['a', 'b'] }

  it('is its weights: four bytes each, without steps and second weights', () => {
    const params = plain().countParameters()
    expect(savedSize(plain())).toEqual({ params, bytes: 4 * params })
    for (const scheme of ['q8bert', 'lsq', 'binary-split'] as const)
      expect(savedSize(quantizeAware(plain(), scheme))).toEqual({ params, bytes: 4 * params })
  })

  it('is one byte for a whole number and a scale for each of their rows', () => {
    const model = plain()
    const params = model.countParameters()
    quantize(model)
    let [numbers, rows] = [0, 0]
    for (const [, layer] of quantizedLayers(model)) {
      numbers += layer.rows * layer.columns
      rows += layer.rows
    }
    expect(numbers).toBeGreaterThan(params / 2)
    expect(savedSize(model)).toEqual({ params, bytes: numbers + 4 * rows + 4 * (params - numbers) })
  })
})
