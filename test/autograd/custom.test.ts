// Ops and functions of one's own, and the public check of an op.
import { describe, expect, it } from 'vitest'
import {
  checkOp,
  customFunction,
  defineOp,
  grad,
  gradcheck,
  memory,
  noGrad,
  type OpRecord,
  ones,
  ShapeError,
  type Tensor,
  tensor,
  tidy,
} from '../../src/index.js'

const none = {}

/** x^3 on a plain loop. */
function cubeRecord(change: Partial<OpRecord<object>> = {}): OpRecord<object> {
  return {
    name: 'my.cube',
    doc: 'The third power.',
    math: 'y = x^3;\\quad \\bar x = 3 x^2 \\bar y',
    takes: ['float'],
    shape: ([x]) => {
      if (x.length > 4) throw new ShapeError('my.cube', 'takes at most 4 dims')
      return x
    },
    kernel: (_, out, [x]) => {
      const from = x.elements
      for (let i = 0; i < from.length; i++) out.raw[i] = from[i] ** 3
    },
    save: ([x]) => [x],
    backward: ({ dy, saved: [x] }) => [dy.mul(x).mul(x).mul(3)],
    twice: true,
    samples: () => [
      { inputs: [{ shape: [2, 3] }], attrs: none },
      { inputs: [{ shape: [3, 2], view: 'transposed' }], attrs: none },
      { inputs: [{ shape: [0] }], attrs: none },
    ],
    errors: () => [
      {
        inputs: [{ shape: [1, 1, 1, 1, 1] }],
        attrs: none,
        error: ShapeError,
        text: 'my.cube: takes at most 4 dims',
      },
    ],
    edge: () => [{ inputs: [{ shape: [2], values: [-2, Infinity] }], attrs: none, out: [-8, Infinity] }],
    ...change,
  } as OpRecord<object>
}

describe('defineOp', () => {
  it('makes an op that works and passes the check', () => {
    const cube = defineOp(cubeRecord())
    const x = tensor([2], { requiresGrad: true })
    cube([x], none).backward()
    expect(x.grad!.item()).toBe(12)
    const report = checkOp(cube)
    expect(report).toMatchObject({ name: 'my.cube', samples: 3, errors: 1, edges: 1, derivatives: 'second' })
    expect(report.error).toBeLessThan(1e-8)
    expect(checkOp(cube, { derivatives: false })).toMatchObject({ derivatives: 'none', error: 0 })
  })

  it('takes composites', () => {
    const { kernel, save, backward, ...rest } = cubeRecord() as OpRecord<object> & Record<string, unknown>
    expect([kernel, save, backward].includes(undefined)).toBe(false)
    const op = defineOp({
      ...rest,
      composite: ([x]: readonly Tensor[]) => x.mul(x).mul(x),
    } as OpRecord<object>)
    expect(checkOp(op).derivatives).toBe('second')
  })

  it('refuses names of ours and halves of records', () => {
    expect(() => defineOp(cubeRecord({ name: 'softmax' }))).toThrow(
      "defineOp: tinystill has an op named softmax. Name yours otherwise, as 'my.softmax'",
    )
    expect(() => defineOp({ name: 'my.op' } as OpRecord<object>)).toThrow(
      'the record of my.op lacks doc, math',
    )
    expect(() => defineOp(cubeRecord({ composite: ([x]: Tensor[]) => x } as object))).toThrow(
      'must have one of kernel, view and composite, it has kernel and composite',
    )
    expect(() => defineOp(cubeRecord({ name: '' }))).toThrow('an op needs a name')
  })
})

describe('checkOp finds', () => {
  const broken: [
    string,
    Partial<Record<keyof OpRecord<object> | 'backward' | 'kernel' | 'fastBackward', unknown>>,
    string,
  ][] = [
    ['a wrong shape rule', { shape: ([x]: number[][]) => x.map(() => 1) }, 'finds'],
    [
      'a wrong gradient',
      { backward: ({ dy, saved: [x] }: { dy: Tensor; saved: Tensor[] }) => [dy.mul(x).mul(x).mul(2)] },
      'gradcheck: the gradient of input 0',
    ],
    [
      'a wrong second derivative',
      {
        backward: ({ dy, saved: [x] }: { dy: Tensor; saved: Tensor[] }) => [
          dy.mul(x.detach()).mul(x.detach()).mul(3),
        ],
      },
      'gradcheck: the second derivative of input 0',
    ],
    [
      'a fused gradient that differs',
      {
        fastBackward: ({ dy, saved: [x] }: { dy: Tensor; saved: Tensor[] }) => [dy.mul(x).mul(x).mul(3.001)],
      },
      'fused and plain gradients differ',
    ],
    [
      'a kernel that changes its input',
      {
        kernel: (_: unknown, out: Tensor, [x]: Tensor[]) => {
          const from = x.elements
          for (let i = 0; i < from.length; i++) out.raw[i] = from[i] ** 3
          if (x.shape[0] === 2) from[0] += 1
        },
      },
      'my.cube: ',
    ],
    ['an error that is not thrown', { shape: ([x]: number[][]) => x }, 'expected ShapeError, got null'],
    [
      'an edge case',
      { edge: () => [{ inputs: [{ shape: [1], values: [2] }], attrs: none, out: [9] }] },
      'expected [9], got',
    ],
    ['no samples', { samples: () => [] }, 'has no samples'],
    [
      'a buffer left behind',
      {
        kernel: (_: unknown, out: Tensor, [x]: Tensor[]) => {
          const from = x.elements
          for (let i = 0; i < from.length; i++) out.raw[i] = from[i] ** 3
          leaked.push(tensor([1]))
          leaked.at(-1)!.storage.moveTo(null)
        },
      },
      'buffers were left behind',
    ],
  ]
  const leaked: Tensor[] = []
  it.each(broken)('%s', (what, change, text) => {
    const op = defineOp(cubeRecord(change as Partial<OpRecord<object>>))
    if (what === 'a wrong shape rule') expect(() => checkOp(op)).toThrow()
    else expect(() => checkOp(op)).toThrow(text)
  })
})

describe('customFunction', () => {
  const cube = customFunction({
    name: 'cube',
    forward(context, [x]) {
      context.save(x)
      return x.mul(x).mul(x)
    },
    backward({ saved: [x] }, dy) {
      return dy.mul(x).mul(x).mul(3)
    },
  })

  it('has the gradient that is given, and the second one', () => {
    const x = tensor([2, 3], { dtype: 'float64', requiresGrad: true })
    expect(gradcheck((t) => cube([t]), [x.detach()], { twice: true }).error).toBeLessThan(1e-8)
    cube([x]).sum().backward()
    expect(x.grad!.toArray()).toEqual([12, 27])
    expect(noGrad(() => cube([x])).requiresGrad).toBe(false)
    expect(cube([x.detach()]).requiresGrad).toBe(false)
    expect(cube([x]).toString()).toContain('cube')
  })

  it('takes several inputs, attributes and arrays', () => {
    const scale = customFunction<{ by: number }>({
      name: 'scaleBy',
      forward: (context, [x, ids], { by }) => {
        context.save(ids)
        return x.elements.map((v, i) => v * by * ids.elements[i])
      },
      backward: ({ attrs, saved: [ids], needs }, dy) => {
        expect(needs).toEqual([true, false])
        return [dy.elements.map((v, i) => v * attrs.by * ids.elements[i]), null]
      },
    })
    const x = tensor([[1, 2]], { requiresGrad: true })
    const y = scale([x, tensor(Int32Array.of(3, 4), { shape: [1, 2] })], { by: 10 })
    expect(y.toArray()).toEqual([[30, 80]])
    y.sum().backward()
    expect(x.grad!.toArray()).toEqual([[30, 40]])
  })

  it('passes an input through, saves its result, and takes part in memory', () => {
    const reversed = customFunction({
      name: 'reversed',
      forward: (_, [x]) => x,
      backward: (_, dy) => dy.neg(),
    })
    const x = tensor([1], { requiresGrad: true })
    reversed([x]).mul(2).backward()
    expect(x.grad!.item()).toBe(-2)
    expect(x.node).toBe(null)
    const root = customFunction({
      name: 'root',
      forward: (context, [t]) => {
        const y = t.sqrt()
        context.save(y)
        return y
      },
      backward: ({ saved: [y] }, dy) => dy.div(y.mul(2)),
    })
    const four = tensor([4], { dtype: 'float64' })
    expect(gradcheck((t) => root([t]), [four], { twice: true }).error).toBeLessThan(1e-8)
    const before = memory().buffers
    tidy(() =>
      grad(
        root([tensor([4], { requiresGrad: true })])
          .mul(3)
          .sum(),
        [],
      ),
    )
    expect(memory().buffers).toBe(before)
  })

  it('refuses what backward gives wrongly, by name', () => {
    const giving = (result: unknown) => {
      const f = customFunction({
        name: 'odd',
        forward: (_, [a, b]) => a.mul(b),
        backward: () => result as Tensor[],
      })
      const xs = [ones([2], { requiresGrad: true }), ones([2], { requiresGrad: true })]
      return () => f(xs).sum().backward()
    }
    const two = ones([2])
    expect(giving([ones([3]), two])).toThrow('odd: backward gave [3] for input 0, which is [2]')
    expect(giving([two, ones([2], { dtype: 'float64' })])).toThrow(
      'odd: backward gave float64 for input 1, which is float32',
    )
    expect(giving([two])).toThrow('odd: backward must return 2 gradients, one for each input, got 1')
    expect(giving(two)).toThrow('odd: backward must return 2 gradients, one for each input, got one')
    expect(giving(undefined)).toThrow('odd: backward must return 2 gradients')
    expect(giving(['x', two])).toThrow('odd: backward gave string for input 0')
    expect(giving([Float32Array.of(1), two])).toThrow(
      'odd: the gradient of input 0: 1 numbers do not fill [2]',
    )
    expect(giving([two, null])).not.toThrow()
  })

  it('refuses names of ours, and second derivatives that would be wrong', () => {
    const f = (forward: Parameters<typeof customFunction>[0]['forward'], backward: (dy: Tensor) => unknown) =>
      customFunction({ name: 'half', forward, backward: (_, dy) => backward(dy) as Tensor[] })
    expect(() => customFunction({ name: 'add', forward: (_, [x]) => x, backward: (_, dy) => dy })).toThrow(
      'customFunction: tinystill has an op named add',
    )
    const x = tensor([3], { requiresGrad: true })
    const saves = f(
      (context, [t]) => {
        context.save(t.mul(t))
        return t
      },
      (dy) => dy,
    )
    expect(() => grad(saves([x]), [x], { createGraph: true })).toThrow(
      'half has no second derivative: forward saved a tensor that is neither',
    )
    const outside = f(
      (_, [t]) => t.mul(2),
      (dy) => [dy.elements.map((v) => 2 * v)],
    )
    expect(() => grad(outside([x]).mul(x), [x], { createGraph: true })).toThrow('outside the graph')
    expect(() => saves(x as unknown as Tensor[])).toThrow(
      'half: takes an array of tensors. Call it as half([x])',
    )
  })

  it('notices a saved tensor that was changed, and a graph that was freed', () => {
    const x = tensor([2], { requiresGrad: true })
    const y = cube([x])
    y.backward()
    expect(() => y.backward()).toThrow('cube: the graph has been freed')
  })
})
