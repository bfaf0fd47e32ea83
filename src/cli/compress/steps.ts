// What is tried to make a model small, as steps of an experiment: each begins from the result of one before.
import type { TransformerConfig } from '../../nn/models/config.js'
import { HEAD, presets, sizeName } from '../../nn/models/presets.js'
import { COLUMNS } from '../../nn/shrink/kept.js'
import type { Step } from '../run/experiment.js'
import { fitted, type Left, type Shape } from './fit.js'

export const studentNames = ['cut', 'half', 'narrow', 'rank', 'mini', 'slim', 'tiny'] as const
export type StudentName = (typeof studentNames)[number]

/** Tried where none are named. Of as many numbers half of the heads and neurons are worth more than half of the ranks. */
export const usualStudents = studentNames.filter((name) => name !== 'rank')

/** New students, of presets. */
const fresh = ['mini', 'slim', 'tiny'] as const

const describedNew = (name: (typeof fresh)[number]) => {
  const { layers, width } = presets[name].settings
  return `a new model, ${layers} layers ${width} wide, or as much of it as --target-size takes, taught by the whole`
}

/** For people. */
export const described: Readonly<Record<StudentName, string>> = {
  cut: 'half of the heads and inner neurons, taught by the whole',
  half: 'every other layer, taught by the whole',
  narrow:
    'every other layer, half of the heads and inner neurons and two thirds of the width, or as much of it as --target-size takes, taught by the whole',
  rank: 'products of two smaller matrices with half of the numbers, taught by the whole',
  mini: describedNew('mini'),
  slim: describedNew('slim'),
  tiny: describedNew('tiny'),
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

/** The files whose words stay. */
export const wordFiles = ({ train, transfer }: Pick<Material, 'train' | 'transfer'>): string[] =>
  transfer === undefined ? [train] : [train, transfer]

/** Words that none of the texts uses go: where that costs next to nothing, all that comes after is smaller for it. */
export function wordsOf(material: Material): Tried {
  const { model, reading } = material
  const options = defined({ model, vocabulary: wordFiles(material), ...reading })
  return {
    steps: [{ name: WORDS, command: 'shrink', options }],
    candidates: [
      { name: 'whole', step: null, levers: [] },
      { name: WORDS, step: WORDS, levers: ['words'] },
    ],
  }
}

const WORDS = 'words'

/** Half of the heads and neurons of half of the layers, and two thirds of the width. */
const narrowShape = ({ config: { width, inner } }: Material, layers: number): Shape => ({
  ...{ most: Math.max(COLUMNS, COLUMNS * Math.round((2 * width) / 3 / COLUMNS)), step: COLUMNS, layers },
  block: (own) => own * (4 * (width / 2) + 2 * (inner / 2)),
})

const newShape = ({ layers, width }: Pick<TransformerConfig, 'layers' | 'width'>): Shape => ({
  ...{ most: width, step: HEAD, layers },
  block: (own) => 12 * own * own,
})

/**
 * The whole row of steps. left: of the model without unused words, which is then the teacher too, what words students may have;
 * null: they have all of the model's.
 */
export function stepsOf(
  students: readonly StudentName[],
  material: Material,
  left: readonly Left[] | null,
): Tried {
  const { model, config, stay, train, dev, transfer, answers, epochs, maxLength, reading, targetSize } =
    material
  const { steps, candidates } = wordsOf(material)
  const teacher = left === null ? model : WORDS
  const before = left === null ? [] : ['words']
  const add = (name: string, command: string, options: Step['options'], levers: string[]) => {
    steps.push({ name, command, options: defined(options) })
    candidates.push({ name, step: name, levers })
  }
  // Nothing is trained: it costs as much as reading --dev once more.
  add('low-rank', 'shrink', { model: teacher, rank: 0.75 }, [...before, 'rank'])
  const teach = { recipe: 'hinton', teacher, train, dev, transfer, answers, maxLength, epochs, ...reading }
  const fit = (shape: Shape, sizes: Pick<TransformerConfig, 'maxLength' | 'tokenTypes'>) =>
    fitted(shape, left ?? [{ minCount: 1, words: config.vocabSize }], sizes, targetSize)
  /** What rare words are left out by. */
  const often = (minCount: number) =>
    minCount === 1 ? {} : { vocabulary: wordFiles(material), minCount, ...reading }
  /** A preset, of which all is new but its words. */
  const added = (preset: (typeof fresh)[number]) => (name: string) => {
    const { family, settings } = presets[preset]
    const whole = { ...family.defaults, ...settings }
    const { width, minCount } = fit(newShape(whole), whole)
    const student = width === whole.width ? preset : sizeName(whole.layers, width)
    const tokenizer = minCount === 1 ? undefined : `${name}-words`
    if (tokenizer !== undefined)
      steps.push({
        name: tokenizer,
        command: 'shrink',
        options: defined({ model: teacher, ...often(minCount) }),
      })
    add(name, 'distill', { ...teach, student, tokenizer }, [...before, 'distill'])
  }
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
      const { width, minCount } = fit(narrowShape(material, depth), config)
      shrunk(name, 'shrink', { ...half, layers: depth, width, ...often(minCount) }, 1e-4)
    },
    rank: (name) => shrunk(name, 'rank', { rank: 0.5 }),
    mini: added('mini'),
    slim: added('slim'),
    tiny: added('tiny'),
  }
  for (const student of students) make[student](`student-${student}`)
  // What is trained is done: whole numbers come last.
  for (const { name, step, levers } of [...candidates])
    add(`${name}-int8`, 'quantize', { model: step ?? model }, [...levers, 'int8'])
  return { steps, candidates }
}

const defined = (options: Record<string, unknown>): Step['options'] =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
