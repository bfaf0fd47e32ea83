// Sizes of the SEED experiment's models, and what they compute.
import { describe, expect, it } from 'vitest'
import { randn } from '../../src/autograd/create.js'
import { randomScope } from '../../src/autograd/random.js'
import { adaptiveAvgPool2d, conv2d, gradcheck } from '../../src/index.js'
import { ConvNet } from '../../src/nn/models/conv-net.js'
import { keyOf } from '../../src/tensor/rng.js'

const student = [
  { filters: 32, kernel: 3, stride: 2 },
  { filters: 32, kernel: 3, stride: 2 },
  { filters: 32, kernel: 2 },
]
const teacher = Array.from({ length: 4 }, () => ({ filters: 128, kernel: 3, stride: 2, padding: 1 }))

describe('ConvNet', () => {
  it.each([
    ['the teacher', 1, teacher, 449_162],
    ['the student', 1, student, 14_986],
    ['the student of colours', 3, student, 15_562],
  ])('has the parameters of %s', (_, planes, convs, parameters) => {
    const net = new ConvNet({ image: [planes, 28, 28], convs, classes: 10 })
    expect(net.countParameters()).toBe(parameters)
    expect(net.forward(randn([3, planes * 28 * 28])).logits.shape).toEqual([3, 10])
  })

  it('is convolutions, relu, means of quarters and a linear layer, with their gradient', () => {
    randomScope(keyOf(4), () => {
      const convs = [
        { filters: 3, kernel: 3, stride: 2, padding: 1 },
        { filters: 2, kernel: 2 },
      ]
      const net = new ConvNet({ image: [2, 7, 6], convs, classes: 4 }).to('float64')
      const x = randn([2, 2 * 7 * 6], { dtype: 'float64' })
      const [a, b] = net.convs
      const first = conv2d(x.reshape([2, 2, 7, 6]), a.weight, a.bias, { stride: 2, padding: 1 }).relu()
      const means = adaptiveAvgPool2d(conv2d(first, b.weight, b.bias).relu(), 2).reshape([2, 8])
      const plain = means.matmul(net.classifier.weight.transpose(0, 1)).add(net.classifier.bias as never)
      const { logits } = net.forward(x)
      for (const [i, value] of [...logits.data].entries()) expect(value).toBeCloseTo(plain.data[i], 12)
      expect(gradcheck((input) => net.forward(input).logits, [x]).error).toBeLessThan(1e-8)
    })
  })

  it('refuses images of another size', () => {
    const net = new ConvNet({ image: [1, 28, 28], convs: student, classes: 10 })
    expect(() => net.forward(randn([2, 100]))).toThrow(/28/)
  })
})
