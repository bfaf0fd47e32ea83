// What is tried to make a model small, as steps of an experiment: each begins from the result of one before.
import type { TransformerConfig } from '../../nn/models/config.js'
import { COLUMNS } from '../../nn/shrink/kept.js'
import type { Step } from '../run/experiment.js'

export const studentNames = ['cut', 'half', 'narrow', 'rank', 'mini', 'slim', 'tiny'] as const
export type StudentName = (typeof studentNames)[number]

/** Tried where none are named. Of as many numbers half of the heads and neurons are worth more than half of the ranks. */
export const usualStudents = studentNames.filter((name) => name !== 'rank')

/** For people. */
export const described: Readonly<Record<StudentName, string>> = {
  cut: 'half of the heads and inner neurons, taught by the whole',
  half: 'every other layer, taught by the whole',
  narrow:
    'every other layer, half of the heads and inner neurons and two thirds of the width, or as much of it as --target-size takes, taught by the whole',
  rank: 'products of two smaller matrices with half of the numbers, taught by the whole',
  mini: 'a new model, 4 layers 256 wide, taught by the whole',
  slim: 'a new model, 3 layers 192 wide, taught by the whole',
  tiny: 'a new model, 2 layers 128 wide, taught by the whole',
}

export interface Material {
  model: string
  config: TransformerConfig
  /** What cannot be cut out of it. */
  stay: readonly string[]
  /** In bytes, where one is asked for. */
  targetSize?: number | undefined
  train: string
  dev: string
  transfer?: string | undefined
  /** Where the teacher's answers are kept for all students. */
  answers: string
  /** Where they are asked for. */
  epochs?: number | undefined
  maxLength?: number | undefined
  /** How the files are read: columns, delimiter. */
  reading: Readonly<Record<string, string | undefined>>
}

/** A model that is compared in the end. */
export interface Candidate {
  name: string
  /** The step that makes it; null: the model as it was given. */
  step: string | null
  /** What was done to it, in order. */
  levers: string[]
}

interface Tried {
  steps: Step[]
  candidates: Candidate[]
}

/** Words that none of the texts uses go: where that costs next to nothing, all that comes after is smaller for it. */
export function wordsOf({ model, train, transfer, reading }: Material): Tried {
  const texts = transfer === undefined ? [train] : [train, transfer]
  return {
    steps: [{ name: WORDS, command: 'shrink', options: defined({ model, vocabulary: texts, ...reading }) }],
    candidates: [
      { name: 'whole', step: null, levers: [] },
      { name: WORDS, step: WORDS, levers: ['words'] },
    ],
  }
}

const WORDS = 'words'

/** Scales, norms and biases, as a share of all. */
const REST = 0.04

/**
 * Of a narrow student: two thirds of the model's, or fewer, so that in whole numbers it has at most the size that is asked for.
 * Its tables of places and types stay floats.
 */
function narrowWidth({ config, targetSize = Infinity }: Material, depth: number, words: number): number {
  const { width, inner, maxLength, tokenTypes } = config
  const blocks = depth * (4 * (width / 2) + 2 * (inner / 2))
  const bytes = (own: number) => (1 + REST) * own * (words + 4 * (maxLength + tokenTypes) + blocks + own)
  let own = Math.max(COLUMNS, COLUMNS * Math.round((2 * width) / 3 / COLUMNS))
  while (own > COLUMNS && bytes(own) > targetSize) own -= COLUMNS
  return own
}

/**
 * The whole row of steps. fewer: how many words students have, and their teacher, the model without unused ones; null: all that
 * the model has.
 */
export function stepsOf(students: readonly StudentName[], material: Material, fewer: number | null): Tried {
  const { model, config, stay, train, dev, transfer, answers, epochs, maxLength, reading } = material
  const { steps, candidates } = wordsOf(material)
  const teacher = fewer === null ? model : WORDS
  const before = fewer === null ? [] : ['words']
  const add = (name: string, command: string, options: Step['options'], levers: string[]) => {
    steps.push({ name, command, options: defined(options) })
    candidates.push({ name, step: name, levers })
  }
  // Nothing is trained: it costs as much as reading --dev once more.
  add('low-rank', 'shrink', { model: teacher, rank: 0.75 }, [...before, 'rank'])
  const teach = { recipe: 'hinton', teacher, train, dev, transfer, answers, maxLength, epochs, ...reading }
  /** Parts go, and what is left learns from the whole model. */
  const shrunk = (name: string, lever: string, parts: Step['options'], lr?: number) => {
    const cut = Object.entries(parts).filter(([part]) => !stay.includes(part))
    const shape = { model: teacher, ...Object.fromEntries(cut) }
    steps.push({ name: `${name}-shape`, command: 'shrink', options: defined(shape) })
    const student = { student: `${name}-shape`, epochs: epochs ?? 3, lr }
    add(name, 'distill', { ...teach, ...student }, [...before, lever, 'distill'])
  }
  const judgedBy = { train, maxLength, ...reading }
  const half = { heads: 0.5, neurons: 0.5, ...judgedBy }
  const depth = Math.ceil(config.layers / 2)
  const make: Record<StudentName, (name: string) => void> = {
    cut: (name) => shrunk(name, 'shrink', half),
    half: (name) => {
      const kept = Array.from({ length: depth }, (_, i) => 2 * i)
      add(name, 'distill', { ...teach, fromLayers: kept, epochs: epochs ?? 3 }, [...before, 'distill'])
    },
    // So little of it is as it was that it learns faster than a fine-tuned model may.
    narrow: (name) => {
      const width = narrowWidth(material, depth, fewer ?? config.vocabSize)
      shrunk(name, 'shrink', { ...half, layers: depth, width }, 1e-4)
    },
    rank: (name) => shrunk(name, 'rank', { rank: 0.5 }),
    mini: (name) => add(name, 'distill', { ...teach, student: 'mini' }, [...before, 'distill']),
    slim: (name) => add(name, 'distill', { ...teach, student: 'slim' }, [...before, 'distill']),
    tiny: (name) => add(name, 'distill', { ...teach, student: 'tiny' }, [...before, 'distill']),
  }
  for (const student of students) make[student](`student-${student}`)
  // What is trained is done: whole numbers come last.
  for (const { name, step, levers } of [...candidates])
    add(`${name}-int8`, 'quantize', { model: step ?? model }, [...levers, 'int8'])
  return { steps, candidates }
}

const defined = (options: Record<string, unknown>): Step['options'] =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
