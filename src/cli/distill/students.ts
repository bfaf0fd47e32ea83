// The models of a distillation besides its teachers: that of plain text, and students of any kind, new ones from a seed.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { randomScope } from '../../autograd/random.js'
import { embeddingsOf } from '../../distill/from-embeddings.js'
import { distilbertLayers, distilbertOf, fromLayers } from '../../distill/from-layers.js'
import type { StagePlan } from '../../distill/plan/plan.js'
import type { Student } from '../../distill/plan/runner.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { isFolder } from '../../files/disk.js'
import { classesOf, loadPretrained } from '../../files/models/on-disk.js'
import { tokenizerOf } from '../../files/models/pretrained.js'
import { setProblemType, startModel } from '../../files/models/start.js'
import { makeModel } from '../../nn/models/bert.js'
import { keyOf } from '../../tensor/rng.js'
import type { Tokenizer } from '../../text/encoding.js'
import { everyTask, isOfTexts, type TaskType } from '../../train/tagging/tasks.js'
import type { DistillOptions } from './options.js'
import { isLive, type LiveTeacher, type Teacher } from './teachers.js'

/** What teaches on plain text, before the task: a model of any head, which guesses words where a recipe asks for that. */
export interface GeneralTeacher {
  folder: string
  model: Student
  tokenizer: Tokenizer
  /** What people should know of the folder. */
  notes: readonly string[]
}

/** In eval mode, without gradients. Throws CheckpointError for a folder without model or tokenizer. */
export function loadGeneral(folder: string): GeneralTeacher {
  const loaded = loadPretrained(folder, { prefer: 'masked-lm' })
  const { model, info } = loaded
  const tokenizer = tokenizerOf(folder, loaded)
  for (const p of model.parameters()) p.requiresGrad = false
  return { folder, model: model.eval() as Student, tokenizer, notes: info.notes }
}

export interface Made {
  model: Student
  tokenizer: Tokenizer
  /** What people should know of the folder that it comes from. */
  notes?: readonly string[] | undefined
}

export interface StudentSource {
  /** For people: 'tiny', 'layers 0, 2, 4 of the teacher'. */
  name: string
  /** Whether it begins with trained weights. */
  pretrained: boolean
  /** Where its tokenizer comes from. */
  tokenizerFolder: string
  /** Equal seeds and numbers give equal first weights. */
  make(seed: number, start: number, task?: StagePlan['task']): Made
}

type Task = StagePlan['task']
const kindOf = (task: Task = 'classes', answers: TaskType) =>
  task === 'words' ? 'masked-lm' : everyTask[answers].kind

/** The model that a student is made of. Throws RangeError where there are only outputs. */
function modelled<T>(teacher: T | undefined, folder: string): T {
  if (teacher !== undefined) return teacher
  throw new RangeError(
    `--student must say what the student is: ${folder} holds a teacher's outputs, no model`,
  )
}

/**
 * A student that is made of a teacher is made of the first that is a model. Throws RangeError where no student is named and the
 * recipe has none of its own, and where there is no model, or no tokenizer, to make it of.
 */
export function studentSource(
  options: DistillOptions,
  recipe: Recipe,
  teachers: readonly Teacher[],
  general: GeneralTeacher | null,
): StudentSource {
  const source = sourceFor(options, recipe, teachers, general)
  const [{ problemType }] = teachers
  return {
    ...source,
    make: (seed, start, task) => {
      const made = source.make(seed, start, task)
      // Made of a teacher it has the teacher's word, which for one class a text may be none.
      if (isOfTexts(problemType) && problemType !== 'single_label_classification')
        setProblemType(made.model, problemType)
      return made
    },
  }
}

function sourceFor(
  options: DistillOptions,
  recipe: Recipe,
  teachers: readonly Teacher[],
  general: GeneralTeacher | null,
): StudentSource {
  const { fromLayers: layers } = options
  const source = options.student ?? (layers === undefined ? recipe.preset : undefined)
  const drawn = <T>(seed: number, start: number, make: () => T) =>
    randomScope(keyOf(seed, 'init', start), make)
  const [{ classes, folder, problemType }] = teachers
  const live = teachers.find(isLive)
  if (recipe.student === 'distilbert' && source === undefined) {
    const from = modelled(general ?? live, folder)
    const { tokenizer, folder: tokenizerFolder } = live ?? from
    const { layers: depth } = from.model.config
    const chosen = layers ?? distilbertLayers(depth)
    return {
      name: `DistilBERT of layers ${chosen.join(', ')} of ${general?.folder ?? 'the teacher'}`,
      ...{ pretrained: true, tokenizerFolder },
      make: (seed, start, task) => ({
        model: drawn(seed, start, () => distilbertOf(from.model, chosen, kindOf(task, problemType), classes)),
        tokenizer,
      }),
    }
  }
  const copies = recipe.student === 'copy' && source === undefined
  if (layers !== undefined || copies) {
    const { model, tokenizer, folder: tokenizerFolder } = modelled(live, folder)
    const own = layers ?? Array.from({ length: model.config.layers }, (_, i) => i)
    return {
      name: layers === undefined ? 'a copy of the teacher' : `layers ${own.join(', ')} of the teacher`,
      ...{ pretrained: true, tokenizerFolder },
      make: () => ({ model: fromLayers(model, own), tokenizer }),
    }
  }
  if (source === undefined) {
    if (recipe.student !== 'teacher')
      throw new RangeError('--student or --from-layers must say what the student is')
    const { model, tokenizer, folder: tokenizerFolder } = modelled(live, folder)
    return {
      name: "a new model of the teacher's size",
      ...{ pretrained: false, tokenizerFolder },
      make: (seed, start, task) => ({
        model: drawn(seed, start, () =>
          makeModel(model.family, kindOf(task, problemType), model.config),
        ) as Student,
        tokenizer,
      }),
    }
  }
  const head = isFolder(source) ? classesOf(source, everyTask[problemType].kind) : null
  const newHead = !sameNames(head, classes)
  const given = tokenizerFor(options, source, live)
  const rules = { labels: classes, newHead, texts: [], tokenizer: given }
  const words = isFolder(source) ? null : wordsFor(options, live)
  const take = words && embeddingsOf(words.model)
  return {
    name:
      head !== null && newHead ? `${source} with a new head, as its classes are ${head.join(', ')}` : source,
    ...{ pretrained: isFolder(source), tokenizerFolder: given ?? source },
    make: (seed, start, task) => {
      const started = drawn(seed, start, () =>
        startModel(source, {
          ...{ ...rules, as: kindOf(task, problemType) },
          ...(isOfTexts(problemType) && { problemType }),
        }),
      )
      const { model, tokenizer, info } = started
      const { width } = model.config
      const taken = take?.(model as Student)
      const told = `${source}: embeddings of ${words?.folder}, ${width} of ${words?.model.config.width} dimensions`
      return { model: model as Student, tokenizer, notes: taken ? [told] : info?.notes }
    },
  }
}

/** The folder whose tokenizer a new student takes; a student's folder has its own. */
function tokenizerFor(
  { tokenizer, teacher }: DistillOptions,
  source: string,
  live: LiveTeacher | undefined,
): string | undefined {
  if (isFolder(source)) {
    if (tokenizer !== undefined) throw new RangeError(`--tokenizer: ${source} has a tokenizer of its own`)
    return undefined
  }
  const folder = tokenizer ?? live?.folder
  if (folder !== undefined) return folder
  throw new RangeError(
    `--tokenizer must name a folder whose tokenizer the student takes, ${teacher.join(', ')} holds none`,
  )
}

/**
 * The model whose embeddings a new student starts with: of the folder whose tokenizer it takes, so that a teacher and a cache of
 * its outputs give the same student. null: they are drawn.
 */
function wordsFor(
  { embeddings, tokenizer }: DistillOptions,
  live: LiveTeacher | undefined,
): Pick<GeneralTeacher, 'folder' | 'model'> | null {
  if (embeddings === 'new') return null
  if (tokenizer === undefined || tokenizer === live?.folder) return live ?? null
  return holdsModel(tokenizer) ? loadGeneral(tokenizer) : null
}

/** Whether a folder whose tokenizer was asked for has weights too. */
const holdsModel = (folder: string) =>
  existsSync(join(folder, 'config.json')) && readdirSync(folder).some((name) => name.endsWith('.safetensors'))

/** The same classes, in whatever order. */
function sameNames(head: readonly string[] | null, classes: readonly string[]): boolean {
  return head !== null && head.length === classes.length && head.every((name) => classes.includes(name))
}
