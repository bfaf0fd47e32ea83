// What goes wrong before a distillation begins: each check gives a line that says what was found and what to do.
import type { TransformerConfig } from '../nn/models/config.js'
import type { Module } from '../nn/module.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Tokenizer } from '../text/encoding.js'
import { confusion } from '../train/metrics.js'
import { bestOrder } from './assignment.js'
import { layerMap } from './layer-map.js'
import { lossesOf, type StagePlan } from './plan/plan.js'
import type { Pull } from './plan/pulls.js'

/** What the doctor found, and what to do. */
export interface Problem {
  what: string
  remedy: string
}

/** Another order of the classes is what is wrong when it is right so much more often. */
const CLEARLY = 0.15

const percent = (x: number) => `${(x * 100).toFixed(1)}%`

/**
 * A teacher's logits [rows, classes] against labels: no better than the majority class, or with its classes in another order
 * right far more often.
 */
export function checkTeacher(
  name: string,
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: readonly string[],
): Problem[] {
  const n = classes.length
  const rows = labels.length
  const table = confusion(logits, labels, n)
  const share = (sum: (i: number) => number) =>
    Array.from({ length: n }, (_, i) => sum(i)).reduce((a, b) => a + b, 0) / rows
  const accuracy = share((i) => table[i * n + i])
  const order = bestOrder(table, n)
  const reordered = share((i) => table[i * n + order[i]])
  const counts = Array.from({ length: n }, (_, i) =>
    table.slice(i * n, (i + 1) * n).reduce((a, b) => a + b, 0),
  )
  const majority = Math.max(...counts) / rows
  if (reordered > accuracy + CLEARLY && reordered > majority) {
    const moved = Array.from(order.keys()).filter((i) => order[i] !== i)
    const pairs = moved.slice(0, 6).map((i) => `${classes[i]} is what it calls ${classes[order[i]]}`)
    return [
      {
        what: `${name} is right on ${percent(accuracy)} of ${rows} rows, and would be on ${percent(reordered)} with its classes in another order: ${pairs.join(', ')}`,
        remedy: "Correct id2label in the teacher's config.json, or the labels of the data",
      },
    ]
  }
  if (accuracy > majority) return []
  return [
    {
      what: `${name} is right on ${percent(accuracy)} of ${rows} rows, the commonest class alone on ${percent(majority)}`,
      remedy: 'Fine-tune it on this task first: tinystill train --model TEACHER --train FILE --out DIR',
    },
  ]
}

/** Classes by name and order. */
export function checkClasses(who: string, own: readonly string[], teachers: readonly string[]): Problem[] {
  const i = Array.from({ length: Math.max(own.length, teachers.length) }, (_, k) => k).find(
    (k) => own[k] !== teachers[k],
  )
  if (i === undefined) return []
  return [
    {
      what: `class ${i} is ${own[i] ?? 'missing'} in ${who}, ${teachers[i] ?? 'missing'} in the teacher`,
      remedy: 'Make id2label alike in both config.json files, with the heads in that order',
    },
  ]
}

/**
 * The two vocabularies, entry by entry. beside: whether a loss compares the models word by word; else a student may have fewer of
 * the teacher's words, as what is cut out of a model has.
 */
export function checkVocabulary(student: Tokenizer, teacher: Tokenizer, beside = true): Problem[] {
  const [a, b] = [student.vocabulary, teacher.vocabulary]
  const known = new Set(b)
  if (!beside && a.length < b.length && a.every((token) => known.has(token))) return []
  const places = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).filter(
    (i) => a[i] !== b[i],
  )
  if (places.length === 0) return []
  const shown = (token: string | undefined) => (token === undefined ? 'nothing' : JSON.stringify(token))
  const first = places.slice(0, 3).map((i) => `${i} is ${shown(a[i])} and ${shown(b[i])}`)
  return [
    {
      what: `student and teacher differ in ${places.length} entries of their vocabularies: ${first.join(', ')}`,
      remedy:
        "Start the student with the teacher's tokenizer; losses on logits stand it, each model reading texts in its own way, and those on hidden states, which are then compared at words",
    },
  ]
}

type Shape = Pick<TransformerConfig, 'layers' | 'width' | 'heads'> &
  Partial<Pick<TransformerConfig, 'blocks'>>

/** '12', or of a model that heads were cut out of '8, 4, 5'. */
function sizeOf(shape: Partial<Shape>, what: 'heads' | 'width'): string | null {
  const heads = new Set(shape.blocks?.map((block) => block.heads))
  if (what === 'heads' && heads.size > 1) return shape.blocks?.map((block) => block.heads).join(', ') ?? null
  return shape[what] === undefined ? null : String(shape[what])
}

/**
 * Depth, heads and width, where the stages' losses compare them. general: of the teacher of stages on plain text. What is not
 * known of a teacher is not compared.
 */
export function checkShapes(
  stages: readonly StagePlan[],
  s: Shape,
  teacher: Partial<Shape> | null,
  general: Partial<Shape> | null = teacher,
): Problem[] {
  const out: Problem[] = []
  for (const stage of stages) {
    const t = (stage.teacher === 'general' ? general : teacher) ?? {}
    for (const { name, loss } of lossesOf(stage)) {
      const { same = [], layerMap: mapped } = loss.needs
      for (const what of same) {
        const [ours, theirs] = [sizeOf(s, what), sizeOf(t, what)]
        if (theirs === null || ours === theirs) continue
        out.push({
          what: `${stage.name}: ${name} needs equal ${what}, the student has ${ours}, the teacher ${theirs}`,
          remedy: `Choose a student with ${what} ${theirs}, or another loss`,
        })
      }
      if (mapped && t.layers !== undefined) out.push(...checkLayerMap(stage, s.layers, t.layers))
    }
  }
  return out.filter((p, i) => out.findIndex((q) => q.what === p.what) === i)
}

function checkLayerMap({ name, layerMap: map }: StagePlan, student: number, teacher: number): Problem[] {
  try {
    layerMap(map ?? 'uniform', { student, teacher })
    return []
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return [
      { what: `${name}: ${error.message}`, remedy: 'Correct layerMap, or choose a student of another depth' },
    ]
  }
}

const figure = (x: number) => (Number.isFinite(x) ? String(Number(x.toPrecision(3))) : String(x))

/** What a stage's losses are on the first batch, and how hard each pulls, against the one that pulls hardest. */
export function describePulls(stage: string, pulls: readonly Pull[]): string {
  const most = Math.max(...pulls.map((p) => p.gradient))
  const each = pulls.map(({ name, weight, value, gradient }) => {
    const share = gradient === most ? '' : `, ${figure(gradient / most)} of the largest`
    return `${name} ${weight === 1 ? '' : `${figure(weight)} x `}${figure(value)} (gradient ${figure(gradient)}${share})`
  })
  return `${stage}, first batch: ${each.join(', ')}`
}

/** How much harder than each other loss one may pull. */
const DROWNS = 10

/**
 * A loss that takes the step from all others in the parameters that they share. Adam takes steps of one size from gradients of
 * any, so what one loss alone trains is learnt whatever its weight.
 */
export function checkPulls(stage: string, pulls: readonly Pull[]): Problem[] {
  const [first, second] = pulls.filter((p) => p.weight > 0).toSorted((a, b) => b.gradient - a.gradient)
  if (!(second?.gradient > 0 && first.gradient > DROWNS * second.gradient)) return []
  const times = Math.floor(first.gradient / second.gradient)
  const level = Number(((first.weight * second.gradient) / first.gradient).toPrecision(1))
  return [
    {
      what: `${stage}: the gradient of ${first.name} is ${times} times that of any other of its losses: what they train together follows it alone`,
      remedy: `In --config: { stages: { ${stage}: { losses: { ${first.name}: { weight: ${level} } } } } }`,
    },
  ]
}

/** A teacher whose dropout drops. */
export function checkMode(name: string, teacher: Module): Problem[] {
  const modes = Array.from(teacher.namedModules()).filter(([, m]) => m.training)
  if (modes.length === 0) return []
  return [{ what: `${name} is in training mode: its dropout drops`, remedy: 'Call teacher.eval() first' }]
}

interface Range {
  name: string
  buffer: ArrayBufferLike
  from: number
  to: number
}

const rangeOf = ([name, p]: [string, Tensor]): Range => {
  const { buffer, byteOffset, byteLength } = p.elements
  return { name, buffer, from: byteOffset, to: byteOffset + byteLength }
}

/** Names of parameters, of the student and of the teacher, that lie in the same memory. */
export function sharedBuffers(student: Module, teacher: Module): [string, string][] {
  const theirs = Array.from(teacher.namedParameters(), rangeOf)
  return Array.from(student.namedParameters(), rangeOf).flatMap((a) =>
    theirs
      .filter((b) => a.buffer === b.buffer && a.from < b.to && b.from < a.to)
      .map((b): [string, string] => [a.name, b.name]),
  )
}

/** A student that is its teacher, in part. Training it would change the teacher. */
export function checkShared(student: Module, teacher: Module): Problem[] {
  const [pair] = sharedBuffers(student, teacher)
  if (pair === undefined) return []
  return [
    {
      what: `${pair[0]} of the student is ${pair[1]} of the teacher, in the same memory`,
      remedy: 'Copy the weights',
    },
  ]
}

/** A number that stands for all weights: equal before and after means that nothing was written. */
export function fingerprint(model: Module): string {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (const [, p] of model.namedParameters()) {
    const { buffer, byteOffset, byteLength } = p.elements
    const words = new Int32Array(buffer, byteOffset, byteLength >> 2)
    for (let i = 0; i < words.length; i++) {
      a = Math.imul(a ^ words[i], 0x01000193)
      b = Math.imul((b << 13) | (b >>> 19), 5) + (words[i] ^ a)
    }
  }
  return [a, b].map((x) => (x >>> 0).toString(16).padStart(8, '0')).join('')
}
