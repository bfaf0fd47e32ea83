// Functions that look at a gradient on its way, and may replace it; and results that keep their gradient.
import { DTypeError, GradError, ShapeError } from '../errors.js'
import { functionArg } from '../tensor/check.js'
import { formatShape, sameShape } from '../tensor/shape.js'
import { Tensor } from '../tensor/tensor.js'
import { Node } from './node.js'

/** Gets the gradient of a tensor; what it returns, if anything, goes on in its place. */
export type GradientHook = ((grad: Tensor) => Tensor | undefined) | ((grad: Tensor) => void)

const hooks = new WeakMap<Node | Tensor, GradientHook[]>()
const keepers = new WeakMap<Node, Tensor>()
/** Most programs have no hook: then backward asks nothing. */
let anywhere = false

/** Where gradients for `t` arrive: its node, or the leaf itself. */
function target(t: Tensor): Node | Tensor {
  return t.node instanceof Node ? t.node : t
}

function mustWant(t: Tensor, who: string): void {
  if (t.requiresGrad) return
  throw new GradError(
    `${who}: the tensor ${formatShape(t.shape)} does not require a gradient`,
    'Make a leaf with { requiresGrad: true }, or call it on a result outside noGrad()',
  )
}

/**
 * `fn` is called with the complete gradient of `t` in every later backward() or grad() that reaches it, before it is
 * added to `t.grad` or passed on; a tensor that it returns, of the same shape and dtype, takes its place. Several run in
 * the order in which they came. Works on leaves and results. Returns a function that removes it. torch's register_hook.
 * Throws GradError where `t` requires no gradient; what `fn` returns is checked when it runs.
 */
export function registerHook(t: Tensor, fn: GradientHook): () => void {
  mustWant(t, 'registerHook')
  functionArg('registerHook', 'the hook', fn)
  const to = target(t)
  const list = hooks.get(to) ?? []
  // An entry of its own for each call: the same function may be there twice.
  const entry: GradientHook = (g) => fn(g)
  list.push(entry)
  hooks.set(to, list)
  anywhere = true
  return () => {
    const at = list.indexOf(entry)
    if (at >= 0) list.splice(at, 1)
  }
}

/** Makes a result keep its gradient in `grad`, as leaves do. Of a leaf it changes nothing. Throws GradError as registerHook. */
export function retainGrad(t: Tensor): void {
  mustWant(t, 'retainGrad')
  if (t.node instanceof Node) keepers.set(t.node, t)
}

/** The tensor whose `grad` a gradient for `to` is added to; null where it is only passed on. */
export function keeperOf(to: Node | Tensor): Tensor | null {
  return to instanceof Node ? (keepers.get(to) ?? null) : to
}

export function hasHooks(to: Node | Tensor): boolean {
  return anywhere && (hooks.get(to)?.length ?? 0) > 0
}

/** The gradient after all hooks of `to`. Throws where a hook returns what does not fit. */
export function hooked(to: Node | Tensor, g: Tensor): Tensor {
  // A hook may remove itself.
  for (const hook of [...(hooks.get(to) ?? [])]) {
    const next = hook(g)
    if (!(next instanceof Tensor)) continue
    if (!sameShape(next.shape, g.shape)) {
      throw new ShapeError(
        'registerHook',
        `the hook returned ${formatShape(next.shape)} for a gradient ${formatShape(g.shape)}`,
      )
    }
    if (next.dtype !== g.dtype)
      throw new DTypeError('registerHook', `the hook returned ${next.dtype} for a gradient of ${g.dtype}`)
    g = next
  }
  return g
}
