// Stages of seven recipes against PyTorch, loss by loss over 20 steps: test/golden/recipes.py.
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { distilbertLayers, distilbertOf } from '../../src/distill/from-layers.js'
import type { Projection } from '../../src/distill/losses/hidden.js'
import type { PlanLoss } from '../../src/distill/plan/loss.js'
import { lossTable } from '../../src/distill/plan/loss-table.js'
import type { StagePlan } from '../../src/distill/plan/plan.js'
import { runPlan, type Student } from '../../src/distill/plan/runner.js'
import type { Given } from '../../src/distill/plan/settings.js'
import { recipes } from '../../src/distill/recipes/index.js'
import { readSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { cut, type DataSet, inOrder } from '../../src/nn/data.js'
import { BertForMaskedLM, BertForSequenceClassification } from '../../src/nn/models/bert.js'
import type { TextInput } from '../../src/nn/models/input.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { ints, type Tensor } from '../../src/tensor/tensor.js'
import { flatBatch } from '../../src/text/batches.js'
import type { MaskedText } from '../../src/train/masked-data.js'
import { predict } from '../../src/train/predict.js'
import type { StepReport } from '../../src/train/reports.js'

const file = readFileSync(new URL('../golden/recipes/golden.safetensors', import.meta.url))
const { tensors: golden } = readSafetensors(file, { file: 'golden' })
const g = (name: string) => golden.get(name) as Tensor
const STEPS = 20

const table = lossTable as Record<string, PlanLoss>
const { hidden } = table
afterEach(() => {
  table.hidden = hidden
})

function filled<M extends Pretrained>(model: M, name: string): M {
  const own = Array.from(model.stateDict().keys(), (key): [string, Tensor] => [key, g(`${name}.${key}`)])
  model.loadStateDict(new Map(own))
  return model.eval() as M
}

const size = (layers: number, width: number) => ({
  ...{ vocabSize: 31, maxLength: 9, layers, width, heads: 3, inner: width + 8 },
  ...{ dropout: 0, attentionDropout: 0 },
})

/** The real words of rows of a padded matrix. */
const textsOf = (matrix: Tensor, first: number): Int32Array[] => {
  const mask = ints(g('mask'))
  return Array.from({ length: matrix.shape[0] }, (_, r) =>
    ints(matrix)
      .subarray(r * 9, (r + 1) * 9)
      .filter((_, i) => mask[(first + r) * 9 + i] !== 0),
  )
}
const texts = textsOf(g('ids'), 0)
const data: DataSet<TextInput> = {
  ...{ size: 8, labels: ints(g('labels')) },
  batches: (n) => cut(inOrder(8), n),
  input: (rows) => flatBatch(texts, rows),
  tokens: (rows) => rows.length,
}

/** The first four words of each. */
const short: DataSet<TextInput> = {
  ...data,
  input: (rows) =>
    flatBatch(
      texts.map((ids) => ids.subarray(0, 4)),
      rows,
    ),
}

/** What step after step PyTorch masked. */
function masked(): DataSet<MaskedText> {
  let step = 0
  const at = (name: string) => {
    const all = ints(g(name)).subarray(step * 36, (step + 1) * 36)
    return flatBatch(textsOf(tensor(all.slice(), { shape: [4, 9] }), step % 2 === 0 ? 0 : 4), inOrder(4))
  }
  return {
    ...data,
    input: () => {
      const lesson = { input: at('distil.ids'), words: at('distil.covered').inputIds }
      step++
      return lesson
    },
  }
}

/** A stage of a recipe as its plan has it, but for its length and rate. */
function stageFrom(recipe: string, name: string, lr: number, given: Given = {}): StagePlan {
  const plan = recipes
    .find((r) => r.name === recipe)!
    .plan(
      given,
      { transfer: true, labelled: 1000, transferRows: 5000, pretrained: false, general: true },
      'test',
    )
  const stage = plan.stages.find((s) => s.name === name)!
  const fit = { ...stage.fit, lr, epochs: STEPS / 2, batchSize: 4, accumulate: 1 }
  return { ...stage, start: 0, data: 'labelled', fit }
}

async function curve(
  stage: StagePlan,
  teacher: Student,
  student: Student,
  own = data,
): Promise<StepReport[]> {
  const steps: StepReport[] = []
  await runPlan(
    { stages: [stage] },
    {
      ...{ seed: 1, data: () => own, masked, teacher: null, general: teacher },
      student: () => student,
      teacherLogits: () => predict(teacher, data),
      watch: () => ({ onStep: (step) => void steps.push(step) }),
    },
  )
  return steps
}

function check(run: string, steps: readonly StepReport[], terms: readonly string[]): void {
  expect(steps).toHaveLength(STEPS)
  const off = steps.flatMap(({ loss, terms: own }, i) => [
    Math.abs(loss - g(`${run}.losses`).data[i]),
    ...terms.map((name) => Math.abs(own[name] - g(`${run}.${name}`).data[i])),
  ])
  const worst = Math.max(...off)
  console.log(`${run}: ${worst.toExponential(1)} at most from PyTorch`)
  expect(worst).toBeLessThan(1e-5)
}

describe('20 steps of the official code in PyTorch', () => {
  it.each<[string, DataSet<TextInput>, Partial<StagePlan>]>([
    ['tiny', data, {}],
    // The recipe pads to 128, these models take 9.
    ['padded', short, {}],
    ['unpadded', short, { padTo: null }],
  ])('tinybert-code, %s: hidden states by a shared projection, and attention', async (run, own, more) => {
    table.hidden = {
      ...hidden,
      bind: (given, where) => {
        const loss = hidden.bind(given, where)
        const learnt: typeof loss.learnt = (s, t) => {
          const { layers } = loss.learnt(s, t) as Projection
          layers[0].loadStateDict(
            new Map(['weight', 'bias'].map((leaf): [string, Tensor] => [leaf, g(`tiny.fit.${leaf}`)])),
          )
          return Object.assign(loss.learnt(s, t) as Projection, { layers })
        }
        return { ...loss, learnt }
      },
    }
    const teacher = filled(new BertForSequenceClassification(size(4, 12)), 'tiny.teacher') as Student
    const student = filled(new BertForSequenceClassification(size(2, 6)), 'tiny.student') as Student
    const stage = { ...stageFrom('tinybert-code', 'intermediate', 2e-3), teacher: 'general', ...more }
    const steps = await curve(stage, teacher, student, own)
    if (run !== 'unpadded') return check(run, steps, ['hidden', 'attention'])
    // What padding is worth: without it the squares of attention are a mean over fewer.
    const [{ terms }] = steps
    expect(terms.attention / g('padded.attention').data[0]).toBeGreaterThan(1.5)
  })

  it('distilbert: soft targets of all words, masked words, and directions', async () => {
    const teacher = filled(new BertForMaskedLM(size(4, 12)), 'distil.teacher') as Student
    const student = distilbertOf(teacher, distilbertLayers(4), 'masked-lm', ['a'])
    check('distil', await curve(stageFrom('distilbert', 'general', 5e-3), teacher, student), [
      ...['soft', 'words', 'cosine'],
    ])
  })

  it.each<[string, string, string, number, Given, string[]]>([
    ['predict', 'tinybert-code', 'prediction', 1e-3, {}, ['soft']],
    ['minilm', 'minilm', 'relations', 3e-3, {}, ['attentionProbs', 'relation']],
    ['minilm2', 'minilm2', 'relations', 3e-3, { relationHeads: 6 }, ['relation']],
    ['anneal', 'annealing', 'distil', 3e-3, {}, ['annealed']],
    ['bilstm', 'bilstm-code', 'distil', 1, {}, ['logits', 'hard']],
  ])('%s: the stage of %s called %s', async (run, recipe, name, lr, given, terms) => {
    const teacher = filled(new BertForSequenceClassification(size(4, 12)), 'tiny.teacher') as Student
    const student = filled(new BertForSequenceClassification(size(2, 6)), 'tiny.student') as Student
    check(run, await curve(stageFrom(recipe, name, lr, given), teacher, student), terms)
  })
})
