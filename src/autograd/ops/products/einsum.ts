// einsum: sums of products named by letters, as permutations, matrix products and sums.
import { ArgumentError, got, ShapeError } from '../../../errors.js'
import { formatShape, numel, type Shape } from '../../../tensor/shape.js'
import type { Tensor } from '../../../tensor/tensor.js'
import { defineOp, type Op } from '../../op.js'
import type { Sample, Spec } from '../../samples.js'
import { mul } from '../elementwise/arithmetic.js'
import { sum } from '../reduce.js'
import { slice } from '../shape/slice.js'
import { expand, permute, reshape } from '../shape/views.js'
import { matmul } from './matmul.js'

/** An equation for operands of known shapes. Dims under an ellipsis have names of their own: -1 the last, -2 ... */
interface Plan {
  /** Of each operand, a name for each dim. */
  operands: string[][]
  output: string[]
  sizes: Map<string, number>
}

interface Operand {
  names: string[]
  t: Tensor
}

const fail = (what: string, hint?: string) => new ShapeError('einsum', what, hint)

/** Letters, with '...' as one of them. */
function letters(term: string, equation: string): string[] {
  const names = term.match(/\.\.\.|./gs) ?? []
  const wrong = names.find((name) => name !== '...' && !/^[a-zA-Z]$/.test(name))
  if (wrong !== undefined)
    throw fail(`'${wrong}' in '${equation}' is neither a letter nor '...'`, "Write it like 'bij,bjk->bik'")
  if (names.filter((name) => name === '...').length > 1)
    throw fail(`'${term}' in '${equation}' has more than one '...'`)
  return names
}

const ellipsis = (count: number) => Array.from({ length: count }, (_, i) => `${i - count}`)

function planOf(equation: string, shapes: readonly Shape[]): Plan {
  const bare = equation.replaceAll(' ', '')
  const sides = bare.split('->')
  if (sides.length > 2) throw fail(`'${equation}' has more than one '->'`)
  const terms = sides[0].split(',')
  if (terms.length !== shapes.length)
    throw fail(`'${equation}' names ${terms.length} operands, got ${shapes.length}`)
  const sizes = new Map<string, number>()
  const owner = new Map<string, number>()
  let hidden = 0
  const operands = terms.map((term, o) => {
    const named = letters(term, equation)
    const shape = shapes[o]
    const dots = named.includes('...') ? shape.length - named.length + 1 : 0
    if (dots < 0 || (!named.includes('...') && named.length !== shape.length)) {
      throw fail(
        `operand ${o} is ${formatShape(shape)}, '${term}' names ${named.length - (named.includes('...') ? 1 : 0)} dims`,
        named.includes('...') ? undefined : "'...' stands for dims without a letter",
      )
    }
    hidden = Math.max(hidden, dots)
    const names = named.flatMap((name) => (name === '...' ? ellipsis(dots) : [name]))
    names.forEach((name, d) => {
      const known = sizes.get(name)
      const twice = names.indexOf(name) !== d
      if (known !== undefined && known !== shape[d] && (twice || (known !== 1 && shape[d] !== 1))) {
        const what = name.startsWith('-') ? `dim ${name} of '...'` : `letter ${name}`
        throw fail(
          twice
            ? `${what} names dims of ${shape[names.indexOf(name)]} and ${shape[d]} in operand ${o}, ${formatShape(shape)}`
            : `${what} is ${known} in operand ${owner.get(name)} and ${shape[d]} in operand ${o}`,
        )
      }
      if (known === undefined || known === 1) {
        sizes.set(name, shape[d])
        owner.set(name, o)
      }
    })
    return names
  })
  return { operands, sizes, output: outputOf(sides[1], operands, hidden, equation) }
}

/** Without '->': the dims of the ellipsis, then the letters that come once, in order of the alphabet. */
function outputOf(
  side: string | undefined,
  operands: string[][],
  hidden: number,
  equation: string,
): string[] {
  const all = operands.flat()
  if (side === undefined) {
    const once = all.filter((name) => !name.startsWith('-') && all.indexOf(name) === all.lastIndexOf(name))
    return [...ellipsis(hidden), ...once.sort()]
  }
  const output = letters(side, equation).flatMap((name) => (name === '...' ? ellipsis(hidden) : [name]))
  output.forEach((name, i) => {
    if (output.indexOf(name) !== i) throw fail(`letter ${name} comes twice in the output of '${equation}'`)
    if (!all.includes(name)) throw fail(`letter ${name} in the output of '${equation}' is in no operand`)
  })
  return output
}

/** Each name once: dims of one name become their diagonal. */
function diagonal({ names, t }: Operand): Operand {
  const i = names.findIndex((name, d) => names.indexOf(name) !== d)
  if (i < 0) return { names, t }
  const first = names.indexOf(names[i])
  const n = t.shape[i]
  const others = names.map((_, d) => d).filter((d) => d !== i && d !== first)
  const last = permute(t, [...others, first, i])
  const square = reshape(last, [...last.shape.slice(0, -2), n * n])
  return diagonal({
    names: [...others.map((d) => names[d]), names[i]],
    t: n === 0 ? square : slice(square, -1, 0, n * n, n + 1),
  })
}

/** Sums over the dims whose names are not wanted any more. */
function without({ names, t }: Operand, wanted: ReadonlySet<string>): Operand {
  const dims = names.map((_, d) => d).filter((d) => !wanted.has(names[d]))
  if (dims.length === 0) return { names, t }
  return { names: names.filter((name) => wanted.has(name)), t: sum(t, dims) }
}

const arranged = ({ names, t }: Operand, order: readonly string[]) =>
  permute(
    t,
    order.map((name) => names.indexOf(name)),
  )

/** The product of two, summed over the names that only they have. */
function contract(a: Operand, b: Operand, wanted: ReadonlySet<string>, sizes: Plan['sizes']): Operand {
  const shared = a.names.filter((name) => b.names.includes(name))
  const batch = shared.filter((name) => wanted.has(name))
  const inner = shared.filter((name) => !wanted.has(name))
  const left = a.names.filter((name) => !shared.includes(name))
  const right = b.names.filter((name) => !shared.includes(name))
  const names = [...batch, ...left, ...right]
  const [x, y] = [arranged(a, [...batch, ...left, ...inner]), arranged(b, [...batch, ...inner, ...right])]
  const batchOf = (t: Tensor) => t.shape.slice(0, batch.length)
  if (inner.length === 0) {
    const ones = [left, right].map((list) => list.map(() => 1))
    const wide = reshape(x, [...x.shape, ...ones[1]])
    return { names, t: mul(wide, reshape(y, [...batchOf(y), ...ones[0], ...y.shape.slice(batch.length)])) }
  }
  // A size of 1 beside a larger one is repeated, as a broadcast would.
  const size = (name: string) => sizes.get(name) as number
  const [ls, is, rs] = [left, inner, right].map((list) => list.map(size))
  const flatA = reshape(expand(x, [...batchOf(x), ...ls, ...is]), [...batchOf(x), numel(ls), numel(is)])
  const flatB = reshape(expand(y, [...batchOf(y), ...is, ...rs]), [...batchOf(y), numel(is), numel(rs)])
  return { names, t: reshape(matmul(flatA, flatB), [...batch.map(size), ...ls, ...rs]) }
}

function evaluate({ operands, output, sizes }: Plan, tensors: readonly Tensor[]): Tensor {
  const parts = operands.map((names, i) => diagonal({ names, t: tensors[i] }))
  const wantedAfter = (i: number) => new Set([...output, ...parts.slice(i + 1).flatMap((p) => p.names)])
  const alone = (i: number) =>
    without(parts[i], new Set([...output, ...parts.flatMap((p, j) => (j === i ? [] : p.names))]))
  let all = alone(0)
  for (let i = 1; i < parts.length; i++) {
    // What the first has and nobody else wants was summed before; what later ones want stays.
    all = contract(all, alone(i), wantedAfter(i), sizes)
  }
  return arranged(without(all, new Set(output)), output)
}

const einsumOp: Op<{ equation: string }> = defineOp<{ equation: string }>({
  name: 'einsum',
  doc: 'Sums of products over the letters that an equation does not keep.',
  math: 'y_{\\text{out}} = \\textstyle\\sum_{\\text{others}} \\prod_i x^{(i)}_{\\text{its letters}}',
  takes: ['float'],
  shape: (shapes, { equation }) => {
    const { output, sizes } = planOf(equation, shapes)
    return output.map((name) => sizes.get(name) as number)
  },
  composite: (tensors, { equation }) => {
    const shapes = tensors.map((t) => t.shape)
    return evaluate(planOf(equation, shapes), tensors)
  },
  twice: true,
  samples: () => {
    const s = (
      equation: string,
      shapes: Shape[],
      more: Partial<Spec> = {},
    ): Sample<{ equation: string }> => ({
      inputs: shapes.map((shape) => ({ shape, ...more })),
      attrs: { equation },
    })
    return [
      s('ij,jk->ik', [
        [2, 3],
        [3, 2],
      ]),
      s(
        'ij,jk',
        [
          [2, 3],
          [3, 2],
        ],
        { view: 'transposed' },
      ),
      s('i,i', [[3], [3]]),
      s('i,j->ij', [[2], [3]]),
      s('ii->i', [[3, 3]], { view: 'sliced' }),
      s('ii', [[3, 3]]),
      s('ij->ji', [[2, 3]]),
      s('ij->', [[2, 3]]),
      s('...ij,...jk->...ik', [
        [2, 1, 2, 3],
        [2, 3, 2],
      ]),
      s('bij,bjk,bk->bi', [
        [2, 2, 2],
        [2, 2, 2],
        [2, 2],
      ]),
      s('ij,ij->ij', [
        [2, 3],
        [1, 3],
      ]),
      s('ij,jk->ik', [
        [2, 1],
        [3, 2],
      ]),
      s('ij,jk->ik', [
        [0, 3],
        [3, 2],
      ]),
      s('ij,jk->ik', [
        [2, 0],
        [0, 2],
      ]),
      s(',i->i', [[], [2]], { domain: { lo: -100, hi: 100 } }),
    ]
  },
  errors: () => {
    const e = (equation: string, shapes: Shape[], text: string) => ({
      inputs: shapes.map((shape) => ({ shape })),
      attrs: { equation },
      error: ShapeError,
      text: `einsum: ${text}`,
    })
    return [
      e('ij,jk->ik', [[2, 3]], "'ij,jk->ik' names 2 operands, got 1"),
      e(
        'ij,jk->ik',
        [
          [2, 3],
          [4, 2],
        ],
        'letter j is 3 in operand 0 and 4 in operand 1',
      ),
      e(
        'ij,jk->ik',
        [
          [2, 3],
          [3, 2, 2],
        ],
        "operand 1 is [3, 2, 2], 'jk' names 2 dims. '...' stands for dims without a letter",
      ),
      e('ii->i', [[2, 3]], 'letter i names dims of 2 and 3 in operand 0, [2, 3]'),
      e('ij->ik', [[2, 3]], "letter k in the output of 'ij->ik' is in no operand"),
      e('ij->ii', [[2, 3]], "letter i comes twice in the output of 'ij->ii'"),
      e('i1->i', [[2, 3]], "'1' in 'i1->i' is neither a letter nor '...'. Write it like 'bij,bjk->bik'"),
      e('i->j->i', [[2]], "'i->j->i' has more than one '->'"),
      e('...i...->i', [[2]], "'...i...' in '...i...->i' has more than one '...'"),
      e(
        '...i,...i->i',
        [
          [2, 3],
          [4, 3],
        ],
        "dim -1 of '...' is 2 in operand 0 and 4 in operand 1",
      ),
    ]
  },
  edge: () => [
    {
      inputs: [{ shape: [2, 2], values: [NaN, 1, 2, -0] }],
      attrs: { equation: 'ii->i' },
      out: [NaN, -0],
      grads: [
        [
          [1, 0],
          [0, 1],
        ],
      ],
    },
    { inputs: [{ shape: [0] }, { shape: [0] }], attrs: { equation: 'i,i' }, out: 0 },
  ],
})

/**
 * PyTorch's einsum: einsum('bij,bjk->bik', a, b). A letter names a dim; letters missing on the right are summed; one that
 * comes twice in an operand is its diagonal; '...' is the dims without a letter, which broadcast; without '->' the letters
 * that come once are kept, in alphabetical order. From left to right, two at a time. Throws ShapeError.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string')
    throw new ArgumentError('einsum', `the equation must be a string, got ${got(equation)}`)
  return einsumOp(operands, { equation })
}
