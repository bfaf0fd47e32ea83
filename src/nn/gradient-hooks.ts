// Hooks on the gradients of a module. What goes in passes through a view of its own, so that its gradient is that of this
// call alone, whoever else uses the same tensor.
import { isRecording } from '../autograd/graph.js'
import { registerHook } from '../autograd/hooks.js'
import { Node } from '../autograd/node.js'
import { expand } from '../autograd/ops/shape/views.js'
import { GradError } from '../errors.js'
import { Tensor } from '../tensor/tensor.js'
import { hook } from './hooks.js'

type Gradients = readonly (Tensor | null)[]

/** Sees the gradients of what went in (null where none goes) and of what came out; may give others for what went in. */
export type GradientsHook<M> =
  | ((module: M, gradInput: Gradients, gradOutput: Gradients) => Tensor | Gradients | undefined)
  | ((module: M, gradInput: Gradients, gradOutput: Gradients) => void)

/** Every tensor in what forward() gave: one, or several in arrays and objects. */
function tensorsIn(value: unknown, seen = new Set<unknown>()): Tensor[] {
  if (value instanceof Tensor) return [value]
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return []
  seen.add(value)
  return Object.values(value).flatMap((v) => tensorsIn(v, seen))
}

/** Which of `nodes` a gradient from `outputs` comes to. */
function reached(outputs: readonly Tensor[], nodes: ReadonlySet<unknown>): Set<unknown> {
  const oldest = Math.min(...[...nodes].map((node) => (node as Node).id))
  const seen = new Set<unknown>()
  const stack: unknown[] = outputs.map((t) => t.node)
  while (stack.length > 0) {
    const node = stack.pop()
    if (!(node instanceof Node) || node.id < oldest || seen.has(node)) continue
    seen.add(node)
    stack.push(...node.edges)
  }
  return new Set([...nodes].filter((node) => seen.has(node)))
}

/** One call of forward(): gradients are gathered until the last has come. */
function watch(
  module: object,
  inputs: readonly (Tensor | null)[],
  outputs: readonly Tensor[],
  fn: GradientsHook<object>,
) {
  const nodes = new Set(inputs.flatMap((t) => (t === null ? [] : [t.node])))
  const awaited = nodes.size === 0 ? nodes : reached(outputs, nodes)
  let gradInput: (Tensor | null)[] = inputs.map(() => null)
  let gradOutput: (Tensor | null)[] = outputs.map(() => null)
  let came = 0
  const ask = () => {
    const given = fn(module, gradInput, gradOutput)
    gradInput = inputs.map(() => null)
    gradOutput = outputs.map(() => null)
    came = 0
    return given
  }
  outputs.forEach((t, i) => {
    if (!t.requiresGrad) return
    registerHook(t, (g) => {
      gradOutput[i] = g
      if (awaited.size === 0) ask()
    })
  })
  inputs.forEach((t, i) => {
    if (t === null || !awaited.has(t.node)) return
    registerHook(t, (g): Tensor | undefined => {
      gradInput[i] = g
      if (++came < awaited.size) return
      const given = ask()
      if (!given) return
      if (awaited.size > 1) {
        throw new GradError(
          `registerFullBackwardHook: ${module.constructor.name} has ${awaited.size} inputs with gradients, of which the others have gone on`,
          'Return nothing, and replace gradients by registerHook() on the tensors that go in',
        )
      }
      return (given instanceof Tensor ? given : given[i]) ?? undefined
    })
  })
}

/** Calls `fn` with the gradients of each later forward() of the module. Gives a function that removes it. */
export function hookGradients(module: object, fn: GradientsHook<object>): () => void {
  const views = new WeakSet<Tensor>()
  const seen = (x: unknown) => {
    if (!(x instanceof Tensor) || !x.requiresGrad || !isRecording()) return x
    const view = expand(x, x.shape)
    views.add(view)
    return view
  }
  const removers = [
    hook(module, { pre: (_, args) => args.map(seen) }),
    hook(module, {
      post: (_, args, output) => {
        if (!isRecording()) return
        const inputs = args.map((x) => (x instanceof Tensor && views.has(x) ? x : null))
        watch(module, inputs, tensorsIn(output), fn)
      },
    }),
  ]
  return () => {
    for (const remove of removers) remove()
  }
}
