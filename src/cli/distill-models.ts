// The models of a distillation: teachers out of folders, and students of any kind, new ones from a seed.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { randomScope } from '../autograd/random.js'
import { checkClasses, type Problem } from '../distill/doctor.js'
import { distilbertLayers, distilbertOf, fromLayers } from '../distill/from-layers.js'
import type { StagePlan } from '../distill/plan.js'
import type { Recipe } from '../distill/recipes/recipe.js'
import type { Student } from '../distill/runner.js'
import { CheckpointError } from '../errors.js'
import { loadClassifier } from '../nn/io/classifiers.js'
import { readConfig } from '../nn/io/config.js'
import { loadPretrained, tokenizerOf } from '../nn/io/pretrained.js'
import { startModel } from '../nn/io/start.js'
import { makeModel } from '../nn/models/bert.js'
import { SequenceClassifier } from '../nn/models/heads.js'
import type { Tokenizer } from '../nn/text/encoding.js'
import { keyOf } from '../tensor/rng.js'
import type { DistillOptions } from './distill-options.js'

export interface Teacher {
  folder: string
  model: Student
  tokenizer: Tokenizer
  classes: readonly string[]
}

/** In eval mode, without gradients. Throws CheckpointError for what is no classifier of the BERT family. */
export function loadTeacher(folder: string): Teacher {
  const { model, tokenizer, classes, regression } = loadClassifier(folder)
  if (!(model instanceof SequenceClassifier))
    throw new CheckpointError(folder, 'is no model of the BERT family', 'Train one: tinystill train')
  if (regression) throw new CheckpointError(folder, 'predicts a number', 'These recipes distil classifiers')
  for (const p of model.parameters()) p.requiresGrad = false
  return { folder, model: model.eval() as Student, tokenizer, classes }
}

/** What teaches on plain text, before the task: a model of any head, which guesses words where a recipe asks for that. */
export interface GeneralTeacher {
  folder: string
  model: Student
  tokenizer: Tokenizer
}

/** In eval mode, without gradients. Throws CheckpointError for a folder without model or tokenizer. */
export function loadGeneral(folder: string): GeneralTeacher {
  const loaded = loadPretrained(folder)
  const { model } = loaded
  const tokenizer = tokenizerOf(folder, loaded)
  for (const p of model.parameters()) p.requiresGrad = false
  return { folder, model: model.eval() as Student, tokenizer }
}

export interface StudentSource {
  /** For people: 'tiny', 'layers 0, 2, 4 of the teacher'. */
  name: string
  /** Whether it begins with trained weights. */
  pretrained: boolean
  /** Equal seeds and numbers give equal first weights. */
  make(seed: number, start: number, task?: StagePlan['task']): { model: Student; tokenizer: Tokenizer }
  problems: Problem[]
}

type Task = StagePlan['task']
const kindOf = (task: Task = 'classes') => (task === 'words' ? 'masked-lm' : 'sequence-classification')

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Throws RangeError where no student is named and the recipe has none of its own. */
export function studentSource(
  options: DistillOptions,
  recipe: Recipe,
  teacher: Teacher,
  general: GeneralTeacher | null,
): StudentSource {
  const { student: source, fromLayers: layers } = options
  const drawn = <T>(seed: number, start: number, make: () => T) =>
    randomScope(keyOf(seed, 'init', start), make)
  const { model, tokenizer, classes } = teacher
  if (recipe.student === 'distilbert' && source === undefined) {
    const from = general?.model ?? model
    const { layers: depth } = from.config
    const chosen = layers ?? distilbertLayers(depth)
    return {
      name: `DistilBERT of layers ${chosen.join(', ')} of ${general?.folder ?? 'the teacher'}`,
      ...{ pretrained: true, problems: [] },
      make: (seed, start, task) => ({
        model: drawn(seed, start, () => distilbertOf(from, chosen, kindOf(task), classes)),
        tokenizer,
      }),
    }
  }
  if (layers !== undefined)
    return {
      name: `layers ${layers.join(', ')} of the teacher`,
      ...{ pretrained: true, problems: [] },
      make: () => ({ model: fromLayers(model, layers), tokenizer }),
    }
  if (source === undefined) {
    if (recipe.student !== 'teacher')
      throw new RangeError('--student or --from-layers must say what the student is')
    return {
      name: "a new model of the teacher's size",
      ...{ pretrained: false, problems: [] },
      make: (seed, start, task) => ({
        model: drawn(seed, start, () => makeModel(model.family, kindOf(task), model.config)) as Student,
        tokenizer,
      }),
    }
  }
  const rules = {
    labels: classes,
    texts: [],
    tokenizer: teacher.folder,
  } as const
  return {
    name: source,
    pretrained: isFolder(source),
    make: (seed, start, task) => {
      const started = drawn(seed, start, () =>
        startModel(source, { ...rules, as: kindOf(task), problemType: 'single_label_classification' }),
      )
      return { model: started.model as Student, tokenizer: started.tokenizer }
    },
    problems: isFolder(source) ? headProblems(source, classes) : [],
  }
}

/** A head that was trained on the same classes in another order would be taken as it is. */
function headProblems(folder: string, classes: readonly string[]): Problem[] {
  const { kind, config } = readConfig(join(folder, 'config.json'))
  if (kind !== 'sequence-classification' || config.labels.length !== classes.length) return []
  const same = config.labels.every((name) => classes.includes(name))
  return same ? checkClasses('the student', config.labels, classes) : []
}
