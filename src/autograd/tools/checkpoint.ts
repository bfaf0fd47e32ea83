// Checkpointing: of a whole function only the result is kept, and backward computes the rest again.
// Chen et al. 2016, "Training deep nets with sublinear memory cost".
import { GradError } from '../../errors.js'
import { functionArg } from '../../tensor/check.js'
import { formatShape, type Shape, sameShape } from '../../tensor/shape.js'
import { closeArena, openArena } from '../../tensor/storage.js'
import { Tensor } from '../../tensor/tensor.js'
import { isRecording, synchronous } from '../graph.js'
import { Node, Replay } from '../node.js'
import { randomMark } from '../random.js'
import type { ViewOp } from '../record.js'
import { activeTracer, place, within } from '../trace.js'

/** What nodes are asked for; backward never runs it. */
const record: ViewOp<unknown> = {
  name: 'checkpoint',
  doc: 'A function whose activations are computed again in backward.',
  math: 'y = f(x)',
  takes: ['any'],
  shape: ([x]) => x,
  view: (x) => x,
  save: () => [],
  backward: () => [],
  twice: true,
  samples: () => [],
  errors: () => [],
  edge: () => [],
}

/** What the nodes after `floor` lead to: older nodes and leaves, with the shapes of the gradients that go there. */
function outsideOf(root: Node, floor: number): Map<Node | Tensor, Shape> {
  const found = new Map<Node | Tensor, Shape>()
  const seen = new Set<Node>([root])
  const stack = [root]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    for (const [i, edge] of node.edges.entries()) {
      if (edge === null) continue
      if (!(edge instanceof Node) || edge.id <= floor) found.set(edge, node.shapes[i])
      else if (!seen.has(edge)) {
        seen.add(edge)
        stack.push(edge)
      }
    }
  }
  return found
}

function mustBeTensor(y: unknown): Tensor {
  const result = synchronous('checkpoint', y)
  if (result instanceof Tensor) return result
  throw new GradError(
    `checkpoint: the function must return one tensor, got ${Array.isArray(result) ? 'an array' : typeof result}`,
    'Checkpoint each result by itself, or join them with cat()',
  )
}

/**
 * fn(...inputs), whose activations are not kept: backward() runs `fn` again, with the same random numbers, and goes on
 * from there. The same bits as without, gradients too, for one more forward pass. Parameters that `fn` reaches in its own
 * way get their gradients as well. `fn` must be a pure function of tensors that are still there in backward(), and return
 * one tensor; what else it makes is recycled. torch.utils.checkpoint, not reentrant.
 * Throws GradError for another result, and in backward() where the second run takes another way than the first.
 */
export function checkpoint<Inputs extends readonly unknown[]>(
  fn: (...inputs: Inputs) => Tensor,
  ...inputs: Inputs
): Tensor {
  functionArg('checkpoint', 'the function', fn)
  if (!isRecording()) return mustBeTensor(fn(...inputs))
  const floor = Node.newest
  const sameDraws = randomMark()
  const at = place()
  openArena()
  let y: Tensor | null = null
  let outside = new Map<Node | Tensor, Shape>()
  const made: Tensor[] = []
  try {
    y = mustBeTensor(fn(...inputs))
    if (y.node instanceof Node && y.node.id > floor) {
      outside = outsideOf(y.node, floor)
      for (const t of outside.keys()) if (t instanceof Tensor && t.storage.inNewestArena) made.push(t)
    }
  } finally {
    closeArena(y === null ? [] : [y.storage])
  }
  if (outside.size === 0) return y
  // Leaves that fn makes anew each time have nobody who asks for their gradients.
  for (const t of made) outside.delete(t)
  const { shape, strides, offset } = y
  const again = (): Tensor => {
    const second = Node.newest
    const run = () => sameDraws(() => mustBeTensor(fn(...inputs)))
    const z = activeTracer() === null ? run() : within(at, run)
    mustAgree(z, shape, second, outside)
    return z
  }
  const leaves = [...outside.keys()].filter((t) => t instanceof Tensor)
  const result = y.viewAs(shape, strides, offset)
  const read = [...inputs.filter((t) => t instanceof Tensor), ...leaves]
  result.node = new Replay(record, outside, read, again, y.dtype)
  activeTracer()?.ran('checkpoint', read, result)
  return result
}

function mustAgree(z: Tensor, shape: Shape, floor: number, outside: ReadonlyMap<Node | Tensor, Shape>): void {
  const node = z.node instanceof Node && z.node.id > floor ? z.node : null
  const strange =
    node === null || [...outsideOf(node, floor).keys()].some((to) => to instanceof Node && !outside.has(to))
  if (strange || !sameShape(z.shape, shape)) {
    throw new GradError(
      `checkpoint: run again for backward(), the function ${strange ? 'computed from other tensors' : `gave ${formatShape(z.shape)} instead of ${formatShape(shape)}`}`,
      'It must do the same each time: let nothing that it reads change before backward()',
    )
  }
}
