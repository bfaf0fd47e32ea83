// What the doctor finds, each planted; which order of classes is best; when a gain is more than noise.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { randomScope } from '../../src/autograd/random.js'
import { bestOrder } from '../../src/distill/assignment.js'
import {
  checkClasses,
  checkMode,
  checkPulls,
  checkShapes,
  checkShared,
  checkTeacher,
  checkVocabulary,
  describePulls,
  fingerprint,
} from '../../src/distill/doctor.js'
import { type PlanLoss, planLoss } from '../../src/distill/plan/loss.js'
import { lossTable } from '../../src/distill/plan/loss-table.js'
import { stageOf } from '../../src/distill/plan/plan.js'
import { BertForSequenceClassification } from '../../src/nn/models/bert.js'
import { fold, integerAt, keyOf } from '../../src/tensor/rng.js'
import { WordTokenizer } from '../../src/text/tokenizer.js'

const size = { vocabSize: 20, maxLength: 8, inner: 16, width: 8 }
const model = (layers: number, heads: number) =>
  randomScope(keyOf(1), () => new BertForSequenceClassification({ ...size, layers, heads })).eval()

const logitsFor = (guesses: number[], classes: number) =>
  guesses.flatMap((g) => Array.from({ length: classes }, (_, c) => (c === g ? 4 : 0)))

describe('the doctor', () => {
  const names = ['entailment', 'neutral', 'contradiction']
  const labels = [0, 1, 2, 0, 1, 2, 0, 1]

  it('judges the teacher: fine, of another order, untaught', () => {
    expect(checkTeacher('T', logitsFor(labels, 3), labels, names)).toEqual([])
    const turned = labels.map((label) => (label + 1) % 3)
    const [problem] = checkTeacher('T', logitsFor(turned, 3), labels, names)
    expect(problem.what).toBe(
      'T is right on 0.0% of 8 rows, and would be on 100.0% with its classes in another order: entailment is what it calls neutral, neutral is what it calls contradiction, contradiction is what it calls entailment',
    )
    const [lazy] = checkTeacher('T', logitsFor([0, 0, 0, 0, 0, 0, 0, 0], 3), labels, names)
    expect(lazy.what).toBe('T is right on 37.5% of 8 rows, the commonest class alone on 37.5%')
  })

  it('compares classes and vocabularies', () => {
    expect(checkClasses('the student', names, names)).toEqual([])
    expect(checkClasses('the student', ['a'], ['a', 'b'])[0].what).toBe(
      'class 1 is missing in the student, b in the teacher',
    )
    const [a, b] = ['one two', 'one three'].map((text) => WordTokenizer.build([text]))
    expect(checkVocabulary(a, a)).toEqual([])
    expect(checkVocabulary(a, b)[0].what).toMatch(/differ in \d entr.*: \d is "\w+" and "\w+"/)
    const [more, fewer] = ['one two three', 'one three'].map((text) => WordTokenizer.build([text]))
    expect(checkVocabulary(fewer, more, false)).toEqual([])
    expect(checkVocabulary(fewer, more)).toHaveLength(1)
    expect(checkVocabulary(more, fewer, false)).toHaveLength(1)
  })

  it('compares depth, heads and layer maps where a loss needs them', () => {
    const table = lossTable as Record<string, PlanLoss>
    table.maps = planLoss({
      needs: { teacher: true, layerMap: true, same: ['heads'], outputs: { attentionScores: true } },
      ...{ settings: {}, formula: () => 'maps', compute: () => null },
    })
    try {
      const stage = (layerMap: 'uniform' | [number, number][]) => [
        stageOf({ name: 's', losses: { maps: {} }, layerMap }),
      ]
      const [student, teacher] = [model(2, 2), model(4, 2)]
      expect(checkShapes(stage('uniform'), student.config, teacher.config)).toEqual([])
      const block = { heads: 2, headSize: 4, inner: 16, ranks: {} }
      const uneven = { ...student.config, blocks: [block, { ...block, heads: 1 }] }
      expect(checkShapes(stage('uniform'), uneven, teacher.config)[0].what).toContain(
        'the student has 2, 1, the teacher 2',
      )
      expect(checkShapes(stage('uniform'), model(3, 4).config, teacher.config)).toEqual([
        { what: 's: maps needs equal heads, the student has 4, the teacher 2', remedy: expect.any(String) },
        {
          what: expect.stringMatching(
            /s: layerMap: 'uniform' needs .* 4 layers do not divide by 3.*students of 1, 2, 4 layers/,
          ),
          remedy: 'Correct layerMap, or choose a student of another depth',
        },
      ])
      expect(checkShapes(stage([[2, 1]]), student.config, teacher.config)[0].what).toMatch(
        /layer pair 0 is \[2, 1\], the student has 0 to 1/,
      )
      expect(
        checkShapes([stageOf({ name: 's', losses: { soft: {} } })], model(3, 4).config, teacher.config),
      ).toEqual([])
    } finally {
      delete table.maps
    }
  })

  it('sees a loss whose gradient drowns all others, and says the weight that mends it', () => {
    const pull = (name: string, weight: number, value: number, gradient: number) => ({
      ...{ name, weight, value, gradient },
    })
    const [hidden, attention] = [pull('hidden', 1, 2, 0.5), pull('attention', 2, 40, 20)]
    expect(describePulls('layers', [hidden, attention])).toBe(
      'layers, first batch: hidden 2 (gradient 0.5, 0.025 of the largest), attention 2 x 40 (gradient 20)',
    )
    expect(checkPulls('layers', [hidden, attention])).toEqual([
      {
        what: 'layers: the gradient of attention is 40 times that of any other of its losses: what they train together follows it alone',
        remedy: 'In --config: { stages: { layers: { losses: { attention: { weight: 0.05 } } } } }',
      },
    ])
    // As large as one other, not ten times, not counted yet, without a gradient to be compared with, or broken.
    expect(checkPulls('layers', [hidden, attention, pull('relation', 1, 1, 19)])).toEqual([])
    expect(checkPulls('layers', [hidden, pull('attention', 1, 4, 5)])).toEqual([])
    expect(checkPulls('layers', [pull('hidden', 0, 2, 0), attention])).toEqual([])
    expect(checkPulls('layers', [pull('hidden', 1, 2, 0), attention])).toEqual([])
    expect(checkPulls('layers', [hidden, pull('attention', 1, Number.NaN, Number.NaN)])).toEqual([])
  })

  it('sees dropout, shared memory and changed weights', () => {
    const [student, teacher] = [model(1, 2), model(1, 2)]
    expect([...checkMode('T', teacher), ...checkShared(student, teacher)]).toEqual([])
    const before = fingerprint(teacher)
    expect(fingerprint(student)).toBe(before)
    teacher.classifier.weight.elements[3] += 1e-6
    expect(fingerprint(teacher)).not.toBe(before)
    teacher.base.layers[0].train()
    expect(checkMode('T', teacher)[0].what).toBe('T is in training mode: its dropout drops')
    student.base.layers[0] = teacher.base.layers[0]
    expect(checkShared(student, teacher)[0].what).toMatch(
      /of the student is bert.encoder.layer.0.* of the teacher, in the same memory/,
    )
  })
})

describe('the best order of classes', () => {
  const orders = (n: number): number[][] =>
    n === 0
      ? [[]]
      : orders(n - 1).flatMap((o) =>
          Array.from({ length: n }, (_, i) => [...o.slice(0, i), n - 1, ...o.slice(i)]),
        )

  it('is the best of all', () => {
    for (let trial = 0; trial < 60; trial++) {
      const n = 1 + (trial % 6)
      const key = fold(keyOf(4), trial)
      const table = Array.from({ length: n * n }, (_, i) => integerAt(key, i, 9))
      const value = (order: ArrayLike<number>) =>
        Array.from({ length: n }, (_, i) => table[i * n + order[i]]).reduce((a, b) => a + b, 0)
      const order = bestOrder(table, n)
      expect([...order].toSorted()).toEqual(Array.from({ length: n }, (_, i) => i))
      expect(value(order)).toBe(Math.max(...orders(n).map(value)))
    }
  })
})
