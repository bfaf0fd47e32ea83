// Arguments of another kind than layers, optimizers and schedules take: one error that names who was called, and with what.
import { describe, expect, it } from 'vitest'
import { nn, ones, optim, type Tensor, tensor } from '../../src/index.js'

const any = (x: unknown) => x as never
const leaf = (x: number) => tensor([x], { requiresGrad: true })

describe('layers', () => {
  it.each<[() => unknown, string]>([
    [() => new nn.Sequential(any(new Array(2))), 'Sequential: layer 0 must be a module, got undefined'],
    [() => new nn.Sequential(any(new Map())), 'Sequential: layer 0 must be a module, got a Map'],
    [
      () => new nn.Sequential(any(new nn.ModuleList())).forward(ones([1])),
      'Sequential: layer 0, a ModuleList, has no forward()',
    ],
    [() => new nn.ModuleList(any(3)), 'ModuleList: modules must be a list, got 3'],
    [() => new nn.ModuleDict(any([1])), 'ModuleDict: each of a list must be [name, module], got 1'],
    [() => new nn.ModuleDict(any(ones([2]))), 'ModuleDict: modules must be an object'],
    [() => new nn.Conv1d(1, 1, any([2, 3])), 'Conv1d: kernelSize must be a whole number from 1'],
    [() => new nn.Conv2d(1, 1, 3, any({ pad: 1 })), 'Conv2d: there is no option pad'],
    [
      () => new nn.Conv2d(1, 1, any('3')),
      "Conv2d: kernelSize must be a whole number, or two of them, got '3'",
    ],
    [() => new nn.MaxPool2d(2, any({ stride: 0 })), 'MaxPool2d: stride must be a whole number from 1'],
    [() => new nn.AdaptiveAvgPool2d(any(null)), 'AdaptiveAvgPool2d: outputSize must be'],
    [() => new nn.BatchNorm1d(2, any(null)), 'BatchNorm1d: options must be an object'],
    [() => new nn.Softmax(any('1')), "Softmax: dim must be a whole number, got '1'"],
    [() => new nn.LSTM(2, 2, any(null)), 'LSTM: options must be an object'],
    [() => new nn.GRU(2, 2, { numLayers: 2 ** 31 }), 'GRU: numLayers must be a whole number from 1 to 1000'],
    [() => nn.summary(any(0)), 'summary: model must be a module, got 0'],
    [() => nn.init.xavierUniform(any(3)), 'init.xavierUniform: the shape must be a list of sizes, got 3'],
    [() => nn.init.orthogonal([2, 2], any({ gian: 1 })), 'init.orthogonal: there is no option gian'],
  ])('%s', (make, text) => {
    expect(make).toThrow(text)
  })

  it('nothing in is a layer of zeros out', () => {
    expect(new nn.Linear(0, 2).forward(ones([3, 0])).toArray()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ])
  })
})

describe('optimizers', () => {
  const endless = {
    *[Symbol.iterator]() {
      for (;;) yield 'x'
    },
  }
  it.each<[() => unknown, string]>([
    [() => new optim.AdamW(any(endless)), "optimizer: parameter 0 must be a tensor, got 'x'"],
    [() => new optim.AdamW([leaf(1)], any({ learningRate: 1 })), 'AdamW: there is no option learningRate'],
    [() => new optim.Adagrad([leaf(1)], any(null)), 'Adagrad: options must be an object'],
    [
      () => new (any(optim.Optimizer) as new (p: Tensor[]) => unknown)([leaf(1)]),
      'Optimizer: it is the base',
    ],
    [() => new optim.AdamW([leaf(1)]).step(any(null)), 'optimizer.step: options must be an object'],
    [() => optim.zeroGrad(any(leaf(1))), 'zeroGrad: params must be a list of tensors, got a tensor [1]'],
    [() => optim.gradNorm(any([1n])), 'gradNorm: params[0] must be a tensor, got 1n'],
    [() => new optim.EMA(any(undefined)), 'EMA: params must be a list of tensors'],
    [() => new optim.EMA([leaf(1)]).loadStateDict(any(null)), 'EMA state: is not what stateDict() gives'],
    [() => new optim.Plateau(any({ mode: 'up' })), "Plateau: mode must be one of min, max, got 'up'"],
    [() => new optim.Plateau().step(any('1')), "Plateau.step: the figure must be a number, got '1'"],
    [() => optim.schedules.step(any(undefined)), 'schedules.step: options are missing'],
    [
      () => optim.schedules.linear({ total: 2 })(any('1')),
      "schedules.linear: the step must be a number, got '1'",
    ],
    [() => optim.schedules.multistep(any({})), 'schedules.multistep: milestones must be a list of steps'],
    [() => optim.parameterTable(any(1)), 'parameterTable: model must be a module, got 1'],
    [
      () => optim.decayGroups(new nn.Linear(1, 1), any('1')),
      "decayGroups: weightDecay must be a number, got '1'",
    ],
    [() => optim.freeze(new nn.Linear(1, 1), any(undefined)), 'freeze: options are missing'],
    [
      () => optim.freeze(new nn.Linear(1, 1), any({ prefixes: 'a' })),
      'freeze: prefixes must be a list of strings',
    ],
  ])('%s', (make, text) => {
    expect(make).toThrow(text)
  })
})
