// Sets of classes and numbers in a distillation: rows without labels, what plans refuse, and the doctor's look at a teacher.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import { checkOutputs } from '../../src/distill/doctor-outputs.js'
import type { LossContext, StageTask } from '../../src/distill/plan/loss.js'
import { lossTable } from '../../src/distill/plan/loss-table.js'
import { formulaOf, stageOf, withTask } from '../../src/distill/plan/plan.js'
import { recipes } from '../../src/distill/recipes/index.js'

const place = { file: 'test', where: 'stages.x.losses.y.' }
const float = (rows: number[][]) => tensor(rows, { dtype: 'float64' })

function compute(
  name: string,
  task: StageTask,
  parts: Pick<LossContext, 'labels'> & { z: number[][]; t?: number[][] },
) {
  const { labels, z, t } = parts
  const context = { task, labels, student: { logits: float(z) }, teacher: t ? { logits: float(t) } : null }
  return lossTable[name]
    .bind({}, place, task)
    .compute(context as unknown as LossContext, null)
    ?.item()
}

describe('losses by task', () => {
  const none = Number.NaN

  it('count rows without labels as nothing', () => {
    const labels = float([
      [1, 0],
      [none, none],
    ])
    const z = [
      [0, 0],
      [5, -7],
    ]
    expect(compute('hard', 'sets', { labels, z })).toBeCloseTo(Math.LN2 / 2, 12)
    expect(compute('hard', 'numbers', { labels, z })).toBeCloseTo(0.25, 12)
    expect(compute('hard', 'sets', { labels: null, z })).toBeUndefined()
  })

  it('take the squared error of numbers, and the binary divergence of sets', () => {
    const [z, t] = [[[1, 2]], [[3, 2]]]
    expect(compute('soft', 'numbers', { labels: null, z, t })).toBe(2)
    expect(compute('soft', 'sets', { labels: null, z: t, t })).toBeCloseTo(0, 12)
    expect(compute('soft', 'sets', { labels: null, z, t })).toBeGreaterThan(0.1)
  })

  it.each(['annealed', 'cwtm', 'dkpp'])('%s is for single classes alone', (name) => {
    expect(() => lossTable[name].bind({}, place, 'sets')).toThrow(
      'test: stages.x.losses.y is a loss for single classes, and sets of classes are learnt',
    )
  })

  it('have their own formula', () => {
    const formula = (task: StageTask) =>
      formulaOf(stageOf({ name: 'x', task, losses: { soft: {}, hard: {} } }))
    expect(formula('classes')).toBe('2^2 KL(softmax(z_t/2) || softmax(z_s/2)) + CE(y, softmax(z_s))')
    expect(formula('sets')).toBe('2^2 KL(sigmoid(z_t/2) || sigmoid(z_s/2)) + BCE(y, sigmoid(z_s))')
    expect(formula('numbers')).toBe('MSE(z_t, z_s) + MSE(y, z_s)')
    expect(() => lossTable.hard.bind({ labelSmoothing: 0.1 }, place, 'numbers')).toThrow(
      /is for classes, not for numbers/,
    )
  })

  it('make a plan of another task, or say which loss has no part in it', () => {
    const plan = (name: string) =>
      recipes
        .find((r) => r.name === name)
        ?.plan({}, { transfer: false, labelled: 1000, transferRows: 0, pretrained: false }, 'test')
    const hinton = plan('hinton')
    if (!hinton) throw new Error('no recipe')
    expect(withTask(hinton, 'sets').baseline.task).toBe('sets')
    const annealing = plan('annealing')
    if (!annealing) throw new Error('no recipe')
    expect(() => withTask(annealing, 'numbers')).toThrow(
      'the recipe annealing: stages.distil.losses.annealed',
    )
  })
})

describe('the doctor', () => {
  const targets = [1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1]
  const names = ['a', 'b', 'c']
  const sure = targets.map((y) => 4 * y - 2)
  const moved = sure.map((_, i) => sure[i - (i % 3) + ((i + 1) % 3)])

  it('has nothing against a teacher that knows', () => {
    expect(checkOutputs('t', sure, targets, names, 'sets')).toEqual([])
    expect(checkOutputs('t', sure, targets, names, 'numbers')).toEqual([])
  })

  it.each(['sets', 'numbers'] as const)('sees %s in another order', (kind) => {
    const [problem] = checkOutputs('t', moved, targets, names, kind)
    expect(problem.what).toMatch(
      /^t: .* would by 1.00 in another order: a is what it calls c, b is what it calls a/,
    )
  })

  it('sees a teacher that tells nothing', () => {
    const [yes] = checkOutputs('t', new Float32Array(12).fill(1), targets, names, 'sets')
    expect(yes.what).toMatch(
      /tell little of their labels, macro F1 is ([\d.]+)%, that of yes to every class \1%/,
    )
    expect(yes.remedy).toMatch(/train --task multi-label/)
    const [still] = checkOutputs('t', new Float32Array(4), [1, 2, 3, 4], ['v'], 'numbers')
    expect(still.what).toMatch(/they do not rise with them/)
  })
})
