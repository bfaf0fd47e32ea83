// What is trained along with a student and thrown away in the end, projections, from one stage to the next: TinyBERT's code
// keeps its projection in the student's checkpoint, so what plain text taught it goes on in the task's intermediate stage.
import { randomScope } from '../../autograd/random.js'
import type { TransformerConfig } from '../../nn/models/config.js'
import type { Module } from '../../nn/module.js'
import { keyOf } from '../../tensor/rng.js'
import { sameShape } from '../../tensor/shape.js'
import type { TeacherShape } from './loss.js'
import { lossesOf, type StagePlan } from './plan.js'

/** By the name of the loss. */
export type Learnt = ReadonlyMap<string, Module>

/** The modules of a stage's losses: those of `before` where they are of the same shape, else new ones, a function of the seed. */
export function learntFor(
  stage: StagePlan,
  { student, teacher }: { student: TransformerConfig; teacher: TeacherShape | null },
  seed: number,
  before: Learnt = new Map(),
): Learnt {
  const own = new Map<string, Module>()
  for (const { name, loss } of lossesOf(stage)) {
    // Keyed by the loss: the same projection begins when another loss is left out.
    const made = randomScope(keyOf(seed, 'learnt', stage.name, name), () => loss.learnt(student, teacher))
    if (made === null) continue
    const old = before.get(name)
    if (old !== undefined && alike(old, made)) {
      disposeModule(made)
      own.set(name, old)
    } else own.set(name, made)
  }
  return own
}

function alike(a: Module, b: Module): boolean {
  const theirs = b.stateDict()
  const own = Array.from(a.namedParameters())
  return (
    own.length === theirs.size &&
    own.every(([name, p]) => {
      const other = theirs.get(name)
      return other !== undefined && sameShape(p.shape, other.shape)
    })
  )
}

/** Those of several stages may be the same. */
export function disposeLearnt(stages: Iterable<Learnt>): void {
  const modules = new Set(Array.from(stages).flatMap((own) => [...own.values()]))
  for (const module of modules) disposeModule(module)
}

function disposeModule(module: Module): void {
  for (const p of module.parameters()) p.dispose()
}
