// Truth as numbers: 1 and 0 in the operands' dtype, where 0 is false and all else, NaN too, is true. No gradients.
import type { Tensor } from '../../../tensor/tensor.js'
import type { Op } from '../../op.js'
import type { Domain } from '../../samples.js'
import { add, mul } from './arithmetic.js'
import { eq, lt, ne } from './compare.js'
import { abs } from './pointwise.js'
import {
  binaryComposite,
  type None,
  none,
  pairEdge,
  pairOf,
  unaryComposite,
  wholeSamples,
} from './records.js'

type Operand = Tensor | number
const offZero: Domain = { lo: -1, hi: 1, avoid: [0], gap: 0.1 }
const truth = (x: Tensor) => ne(x, 0)

function connective(
  name: string,
  [doc, math]: [string, string],
  composite: (a: Tensor, b: Tensor) => Tensor,
  out: number[],
): Op<None> {
  return binaryComposite({
    name,
    doc,
    math,
    takes: 'number',
    domains: [offZero, offZero, null],
    samples: wholeSamples,
    composite,
    edge: [pairEdge([0, 0, 1, NaN, -0], [0, 2, -1, 0, NaN], out)],
  })
}

const pairs = {
  and: connective(
    'logicalAnd',
    ['1 where both are not 0, else 0. No gradient.', 'y = [a \\ne 0 \\wedge b \\ne 0]'],
    (a, b) => mul(truth(a), truth(b)),
    [0, 0, 1, 0, 0],
  ),
  or: connective(
    'logicalOr',
    ['1 where one or both are not 0, else 0. No gradient.', 'y = [a \\ne 0 \\vee b \\ne 0]'],
    (a, b) => truth(add(truth(a), truth(b))),
    [0, 1, 1, 1, 1],
  ),
  xor: connective(
    'logicalXor',
    ['1 where just one is not 0, else 0. No gradient.', 'y = [a \\ne 0 \\oplus b \\ne 0]'],
    (a, b) => ne(truth(a), truth(b)),
    [0, 1, 0, 1, 1],
  ),
}

function question(
  name: string,
  [doc, math]: [string, string],
  composite: (x: Tensor) => Tensor,
  out: number[],
): Op<None> {
  return unaryComposite<None>({
    name,
    doc,
    math,
    takes: 'number',
    tries: [none],
    domain: offZero,
    composite,
    edge: [[0, -0, 2, Infinity, -Infinity, NaN], out],
  })
}

/** int32 holds finite numbers alone. */
const whole = (x: Tensor) => x.dtype === 'int32'

const questions = {
  not: question(
    'logicalNot',
    ['1 where x is 0, else 0. No gradient.', 'y = [x = 0]'],
    (x) => eq(x, 0),
    [1, 1, 0, 0, 0, 0],
  ),
  isnan: question(
    'isnan',
    ['1 where x is NaN, else 0. No gradient.', 'y = [x \\ne x]'],
    (x) => ne(x, x),
    [0, 0, 0, 0, 0, 1],
  ),
  isfinite: question(
    'isfinite',
    ['1 where x is a number and not infinite, else 0. No gradient.', 'y = [|x| < \\infty]'],
    (x) => (whole(x) ? eq(x, x) : lt(abs(x), Infinity)),
    [1, 1, 1, 0, 0, 0],
  ),
  isinf: question(
    'isinf',
    ['1 where x is Infinity or -Infinity, else 0. No gradient.', 'y = [|x| = \\infty]'],
    (x) => (whole(x) ? ne(x, x) : eq(abs(x), Infinity)),
    [0, 0, 0, 1, 1, 0],
  ),
}

/** 1 where a and b are not 0, else 0; broadcast. No gradient passes. */
export const logicalAnd = (a: Operand, b: Operand): Tensor => pairs.and(pairOf(a, b), none)
/** 1 where a or b is not 0, else 0; broadcast. No gradient passes. */
export const logicalOr = (a: Operand, b: Operand): Tensor => pairs.or(pairOf(a, b), none)
/** 1 where just one of a and b is not 0, else 0; broadcast. No gradient passes. */
export const logicalXor = (a: Operand, b: Operand): Tensor => pairs.xor(pairOf(a, b), none)
/** 1 where x is 0, else 0. No gradient passes. */
export const logicalNot = (x: Tensor): Tensor => questions.not([x], none)
/** 1 where x is NaN, else 0. No gradient passes. */
export const isnan = (x: Tensor): Tensor => questions.isnan([x], none)
/** 1 where x is neither NaN nor infinite, else 0. No gradient passes. */
export const isfinite = (x: Tensor): Tensor => questions.isfinite([x], none)
/** 1 where x is Infinity or -Infinity, else 0. No gradient passes. */
export const isinf = (x: Tensor): Tensor => questions.isinf([x], none)
