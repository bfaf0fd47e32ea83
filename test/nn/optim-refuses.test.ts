// Optimizers train what they are given, whatever its layout, or say by name why they cannot. Their state, saved and taken up.
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { full, randn, tensor, zeros } from '../../src/autograd/create.js'
import { tidy } from '../../src/autograd/tidy.js'
import { CheckpointError, DTypeError, GradError, ShapeError } from '../../src/errors.js'
import { Linear } from '../../src/nn/layers.js'
import { Mlp } from '../../src/nn/models/mlp.js'
import * as optim from '../../src/nn/optim/index.js'
import type { Tensor } from '../../src/tensor/tensor.js'

const { SGD, Adam, AdamW } = optim
const { RMSprop, Adagrad, Adadelta, Lion } = optim
const kinds = { SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Lion }
const leaf = (...values: number[]) => tensor(values, { requiresGrad: true })

describe('any layout is trained', () => {
  it('a transposed leaf learns, and what it is a view of', () => {
    const base = tensor([
      [1, 2],
      [3, 4],
    ])
    const w = base.t()
    w.requiresGrad = true
    const o = new SGD([w], { lr: 1 })
    w.mul(w).sum().backward()
    expect(o.step()).toBeCloseTo(Math.sqrt(120), 5)
    expect(w.toArray()).toEqual([
      [-1, -3],
      [-2, -4],
    ])
    expect(base.toArray()).toEqual([
      [-1, -2],
      [-3, -4],
    ])
  })

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s, as the dense one', (name) => {
    const values = randn([3, 4])
    const learn = (p: Tensor) => {
      p.requiresGrad = true
      const o = new kinds[name]([p], { lr: 0.1 })
      for (let i = 0; i < 3; i++) {
        p.mul(p).sum().backward()
        o.step({ maxNorm: 1 })
        o.zeroGrad()
      }
      return p.toArray()
    }
    const strided = tensor(values.t().toArray()).t()
    expect(strided.isContiguous).toBe(false)
    expect(learn(strided)).toEqual(learn(values.clone()))
  })
})

describe('what cannot be trained is refused', () => {
  const lr = { lr: 0.1 }
  const disposed = leaf(1)
  disposed.dispose()
  it.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    [
      'results',
      () => new SGD([randn([2, 1], { requiresGrad: true }).mul(0.1)], lr),
      GradError,
      'parameter 0, shape [2, 1], is the result of mul',
    ],
    [
      'disposed',
      () => new SGD([leaf(1), disposed], lr),
      GradError,
      'parameter 1, shape [1], has been disposed',
    ],
    ['int32', () => new SGD([leaf(1), tensor(Int32Array.of(1))], lr), DTypeError, 'parameter 1 is int32'],
    [
      'one in memory',
      () => {
        const t = tensor([1]).expand([3])
        t.requiresGrad = true
        return new SGD([t], lr)
      },
      GradError,
      'elements that are one in memory',
    ],
    [
      'no tensors',
      () => new SGD([leaf(1), null as unknown as Tensor], lr),
      RangeError,
      'parameter 1 must be a tensor, got null',
    ],
    [
      'a module',
      () => new SGD(new Linear(1, 1) as unknown as Tensor[], lr),
      RangeError,
      'must be a list of tensors or groups, as model.parameters()',
    ],
    ['a tensor', () => new SGD(leaf(1) as unknown as Tensor[], lr), RangeError, 'as [tensor]'],
    [
      'two of a name',
      () =>
        new SGD(
          [
            ['a', leaf(1)],
            ['a', leaf(2)],
          ],
          lr,
        ),
      RangeError,
      'two parameters are called a',
    ],
    [
      'by its name',
      () => new SGD([['head.w', leaf(1).mul(2)]], lr),
      GradError,
      'parameter head.w, shape [1], is the result of mul',
    ],
  ])('%s', (_, make, kind, text) => {
    expect(make).toThrow(kind)
    expect(make).toThrow(text)
  })

  it.each<[object, string]>([
    [{ lr: undefined }, 'optimizer: lr of group 1 must be 0 or more, got undefined'],
    [{ lr: Number.NaN }, 'lr of group 1 must be 0 or more, got NaN'],
    [{ lr: -1 }, 'lr of group 1 must be 0 or more, got -1'],
    [{ lr: '0.1' }, "lr of group 1 must be 0 or more, got '0.1'"],
    [{ lr: Infinity }, 'lr of group 1 must be 0 or more, got Infinity'],
    [{ weightDecay: -0.1 }, 'weightDecay of group 1 must be 0 or more, got -0.1'],
    [{ lrScale: Number.NaN }, 'lrScale of group 1 must be 0 or more, got NaN'],
    [{ eps: -1 }, 'eps of group 1 must be 0 or more, got -1'],
    [{ betas: [0.9, Number.NaN] }, 'betas of group 1 must lie in [0, 1)'],
    [{ learningRate: 1 }, 'there is no setting learningRate of group 1, only lr, weightDecay, betas, eps'],
  ])('a group of %j', (own, text) => {
    const groups = [{ params: [leaf(1)] }, { params: [leaf(2)], ...own }]
    expect(() => new AdamW(groups, { lr: 0.1 })).toThrow(text)
    const optimizer = new AdamW([leaf(1)], { lr: 0.1 })
    expect(() => optimizer.addParamGroup({ params: [leaf(2)], ...own })).toThrow(text)
    expect(optimizer.params.length).toBe(1)
  })

  it.each<[() => unknown, string]>([
    [() => new Adam([leaf(1)], { eps: -1 }), 'eps must be 0 or more, got -1'],
    [() => new SGD([leaf(1)], { lr: 1, momentum: -5 }), 'momentum must be 0 or more, got -5'],
    [() => new SGD([leaf(1)], { lr: 1, nesterov: true }), 'nesterov needs a momentum above 0'],
    [() => new SGD([leaf(1)], {} as { lr: number }), 'lr must be 0 or more, got undefined'],
    [() => new AdamW([leaf(1)], { lr: Number.NaN }), 'lr must be 0 or more, got NaN'],
    [() => new optim.RMSprop([leaf(1)], { alpha: -1 }), 'alpha must be 0 or more'],
    [() => new Adadelta([leaf(1)], { rho: 1.1 }), 'rho must lie in [0, 1], got 1.1'],
    [() => new optim.Lion([leaf(1)], { betas: [1, 0] }), 'betas must lie in [0, 1)'],
  ])('%s', (make, text) => {
    expect(make).toThrow(RangeError)
    expect(make).toThrow(text)
  })

  it.each<[object, string]>([
    [{ lrScale: Number.NaN }, 'lrScale must be 0 or more, got NaN'],
    [{ lrScale: -1 }, 'lrScale must be 0 or more, got -1'],
    [{ gradScale: Infinity }, 'gradScale must be 0 or more, got Infinity'],
    [{ maxNorm: Number.NaN }, 'maxNorm must be 0 or more, got NaN'],
    [{ maxNorm: null }, 'maxNorm must be 0 or more, got null'],
    [{ maxNorm: -1 }, 'maxNorm must be 0 or more, got -1'],
    [{ clip: 'all' }, "clip must be 'global' or 'each', got 'all'"],
  ])('step(%j)', (options, text) => {
    const p = leaf(1)
    const optimizer = new AdamW([p])
    p.grad = tensor([1])
    expect(() => optimizer.step(options)).toThrow(text)
    expect([p.item(), optimizer.steps]).toEqual([1, 0])
  })

  it('a setting that was changed to nothing', () => {
    const p = leaf(1)
    const optimizer = new SGD([p], { lr: 1 })
    p.grad = tensor([1])
    optimizer.paramGroups[0].lr = 0.25
    optimizer.step()
    expect(p.item()).toBe(0.75)
    optimizer.paramGroups[0].lr = Number.NaN
    expect(() => optimizer.step()).toThrow('lr of group 0 must be 0 or more, got NaN')
  })

  it('gradients of another shape or dtype, or none', () => {
    const p = full([80], 1, { requiresGrad: true })
    expect(() => {
      p.grad = full([16], 0.5)
    }).toThrow(ShapeError)
    expect(() => {
      p.grad = full([80], 1, { dtype: 'float64' })
    }).toThrow(DTypeError)
    expect(() => {
      p.grad = [1] as unknown as Tensor
    }).toThrow('a gradient is a tensor or null')
    expect(p.grad).toBe(null)
    p.grad = full([80], 1)
    p.grad.dispose()
    expect(() => new SGD([p], { lr: 1 }).step()).toThrow('the gradient of parameter 0 has been disposed')
  })

  it('a step of nothing', () => {
    const [p, q] = [leaf(1), leaf(2)]
    const optimizer = new SGD([p, q], { lr: 1 })
    expect(() => optimizer.step()).toThrow('a step of nothing: no parameter has a gradient')
    p.requiresGrad = q.requiresGrad = false
    expect(() => optimizer.step()).toThrow('a step of nothing: all parameters are frozen')
    expect(optimizer.steps).toBe(0)
    p.requiresGrad = true
    p.mul(2).sum().backward()
    optimizer.dispose()
    expect(() => optimizer.step()).toThrow('optimizer: it has been disposed')
  })

  it('a parameter that was disposed since', () => {
    const p = leaf(1)
    const optimizer = new SGD([['head.w', p]], { lr: 1 })
    p.grad = tensor([1])
    p.dispose()
    expect(() => optimizer.step()).toThrow('parameter head.w, shape [1], has been disposed')
  })
})

describe('frozen and late parameters', () => {
  it('what was frozen learns once it is unfrozen, and no earlier', () => {
    const [body, head] = [leaf(1), leaf(1)]
    body.requiresGrad = false
    const optimizer = new AdamW([body, head], { lr: 0.1, weightDecay: 0 })
    const step = () =>
      tidy(() => {
        head.mul(body).sum().backward()
        optimizer.step()
        optimizer.zeroGrad()
      })
    step()
    expect(body.item()).toBe(1)
    body.requiresGrad = true
    step()
    step()
    expect(body.item()).toBeCloseTo(0.8, 3)
    body.requiresGrad = false
    body.grad = tensor([1])
    step()
    expect(body.item()).toBeCloseTo(0.8, 3)
  })

  it.each([2, 11, 101])('first gradient at step %i: the update is lr', (first) => {
    const [early, late] = [leaf(1), leaf(1)]
    const optimizer = new Adam([early, late], { lr: 0.01 })
    for (let n = 1; n <= first; n++) {
      early.grad = tensor([1])
      late.grad = n === first ? tensor([1]) : null
      optimizer.step()
    }
    expect(late.item()).toBeCloseTo(0.99, 6)
    expect(optimizer.slots.map((s) => s.steps)).toEqual([first, 1])
  })

  it('to() leaves an optimizer with living parameters', () => {
    const model = new Linear(2, 1)
    const optimizer = new AdamW(model.namedParameters(), { lr: 0.1 })
    const x = tensor([[1, 2]])
    model.forward(x).sum().backward()
    optimizer.step()
    const { weight } = model
    model.to('float64')
    expect([model.weight === weight, weight.dtype, weight.grad?.dtype]).toEqual([true, 'float64', 'float64'])
    const before = weight.toArray()
    optimizer.zeroGrad()
    model.forward(x.to('float64')).sum().backward()
    optimizer.step()
    expect(weight.toArray()).not.toEqual(before)
    expect(optimizer.slots[0].state[0].dtype).toBe('float64')
  })
})

describe('stateDict', () => {
  const makers = {
    SGD: (m: Mlp) => new SGD(m.namedParameters(), { lr: 0.1, momentum: 0.9 }),
    AdamW: (m: Mlp) => new AdamW(m.namedParameters(), { lr: 0.1 }),
    RMSprop: (m: Mlp) => new optim.RMSprop(m.namedParameters(), { momentum: 0.5, centered: true }),
    Adagrad: (m: Mlp) => new optim.Adagrad(m.namedParameters(), { initialAccumulatorValue: 1 }),
    Adadelta: (m: Mlp) => new Adadelta(m.namedParameters(), { rho: 0.95 }),
    Lion: (m: Mlp) => new optim.Lion(m.namedParameters(), { lr: 0.1 }),
  }
  const learn = (model: Mlp, optimizer: optim.Optimizer, steps: number) => {
    for (let i = 0; i < steps; i++) {
      const { logits } = model.forward(tensor([[1, -2]]))
      logits.mul(logits).sum().backward()
      optimizer.step()
      optimizer.zeroGrad()
    }
    return model.parameters().map((p) => p.toArray())
  }

  it.each(Object.keys(makers) as (keyof typeof makers)[])('%s goes on to the same numbers', (name) => {
    const one = new Mlp({ sizes: [2, 3, 1] })
    const optimizer = makers[name](one)
    learn(one, optimizer, 3)
    const [weights, state] = [one.snapshot(), optimizer.stateDict()]
    const want = learn(one, optimizer, 3)
    const two = new Mlp({ sizes: [2, 3, 1] })
    two.loadStateDict(weights)
    const other = makers[name](two)
    other.loadStateDict(state)
    expect(other.steps).toBe(3)
    expect(learn(two, other, 3)).toEqual(want)
  })

  it('takes settings over, and names the parameter that does not fit', () => {
    const [a, b] = [leaf(1, 2), leaf(3)]
    const make = () =>
      new AdamW(
        [
          ['a', a],
          ['b', b],
        ],
        { lr: 0.1 },
      )
    const first = make()
    a.grad = tensor([1, 1])
    first.step()
    first.paramGroups[0].lr = 0.5
    const second = make()
    second.loadStateDict(first.stateDict())
    expect(second.paramGroups[0].lr).toBe(0.5)
    expect(second.slots.map((s) => s.steps)).toEqual([1, 0])
    const broken = (change: (s: optim.OptimizerState) => void) => () => {
      const state = first.stateDict()
      change(state)
      second.loadStateDict(state)
    }
    const cases: [(s: optim.OptimizerState) => void, string][] = [
      [
        (s) => {
          s.state.a.moments.expAvg = zeros([3])
        },
        'expAvg of the parameter a is [3], the parameter [2]',
      ],
      [
        (s) => {
          delete s.state.a.moments.expAvgSq
        },
        'lacks expAvgSq of the parameter a',
      ],
      [
        (s) => {
          s.state.c = s.state.a
        },
        'has the parameter c, the optimizer has not',
      ],
      [
        (s) => {
          s.groups[0].params = ['a', 'c']
        },
        'has c where group 0 has the parameter b',
      ],
      [
        (s) => {
          s.groups[0].params = ['a']
        },
        'has nothing where group 0 has the parameter b',
      ],
      [
        (s) => {
          s.groups = []
        },
        'has 0 groups, the optimizer 1',
      ],
      [
        (s) => {
          s.state.a.steps = -1
        },
        'has no { steps, moments } of the parameter a',
      ],
      [
        (s) => {
          s.steps = Number.NaN
        },
        'is not what stateDict() gives',
      ],
    ]
    for (const [change, text] of cases) {
      expect(broken(change), text).toThrow(CheckpointError)
      expect(broken(change)).toThrow(text)
    }
    expect(
      broken((s) => {
        s.groups[0].lr = -1
      }),
    ).toThrow('lr of group 0 in the state must be 0 or more, got -1')
    expect(second.paramGroups[0].lr).toBe(0.5)
  })
})

describe('clipping in place', () => {
  it('clipGradNorm scales, clipGradValue clamps', () => {
    const [a, b] = [leaf(0), leaf(0, 0)]
    a.grad = tensor([3])
    b.grad = tensor([0, 4])
    expect(optim.clipGradNorm([a, b], 10)).toBe(5)
    expect(b.grad.toArray()).toEqual([0, 4])
    expect(optim.clipGradNorm([a, b], 1)).toBe(5)
    expect(b.grad.toArray()[1 as never]).toBeCloseTo(0.8, 5)
    b.grad = tensor([-7, 0.25])
    optim.clipGradValue([a, b], 0.5)
    expect(b.grad.toArray()).toEqual([-0.5, 0.25])
    b.grad = tensor([2]).expand([2])
    optim.clipGradValue([b], 1)
    expect(b.grad.toArray()).toEqual([1, 1])
    expect(() => optim.clipGradNorm([a], -1)).toThrow('maxNorm must be 0 or more, got -1')
    expect(() => optim.clipGradValue([a], Number.NaN)).toThrow('clipValue must be 0 or more, got NaN')
  })
})

describe('EMA', () => {
  it('averages, is applied within a function, and restored', async () => {
    const p = leaf(1)
    const ema = new optim.EMA([['p', p]], { decay: 0.75 })
    p.set([5])
    ema.update()
    expect(ema.applied(() => p.item())).toBe(2)
    expect(p.item()).toBe(5)
    expect(() =>
      ema.applied(() => {
        throw new Error('x')
      }),
    ).toThrow('x')
    expect(p.item()).toBe(5)
    const later = ema.applied(async () => {
      await null
      return p.item()
    })
    expect(() => ema.update()).toThrow('average it with itself')
    expect([await later, p.item()]).toEqual([2, 5])
    const other = new optim.EMA([['p', leaf(9)]])
    other.loadStateDict(ema.stateDict())
    expect(other.applied(() => other.stateDict().averages.p.item())).toBe(2)
    expect(() => new optim.EMA([['q', p]]).loadStateDict(ema.stateDict())).toThrow(
      'the average of the parameter q is missing',
    )
    expect(() => new optim.EMA([p], { decay: 2 })).toThrow('decay must lie in [0, 1], got 2')
  })
})
