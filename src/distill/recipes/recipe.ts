// What a recipe is: settings of its own, and the plan that follows from them.
import type { PresetName } from '../../nn/models/presets.js'
import type { Plan, StageData } from '../plan/plan.js'
import type { Given, Settings, Values } from '../plan/settings.js'
import { defaultsOf, withSettings } from '../plan/settings.js'

/** What a recipe may know of the run before it plans. */
export interface Occasion {
  /** Whether there is a transfer set. */
  transfer: boolean
  /** Labelled rows. */
  labelled: number
  /** Rows of the transfer set, without the labelled; 0 where there is none. */
  transferRows: number
  /** Of these, the ones that were made of the labelled texts: ../augment/vary.ts. */
  variedRows?: number
  /** Whether the student begins with trained weights, for which rates are smaller. */
  pretrained: boolean
  /** Classes, of which a row has one; left out where rows have numbers, several labels or tags. */
  classes?: number
  /** Whether there is plain text besides. Where not, the transfer set is that for recipes that begin with it. */
  text?: boolean
  /** Whether there is a teacher of plain text beside that of the task. */
  general?: boolean
}

/** Whether there is plain text to begin with, and what is then left to the task: not the transfer set, where that is the text. */
export function plainText(occasion: Occasion): { text: boolean; task: Occasion } {
  const { text = false, transfer, transferRows } = occasion
  const left = text && transfer
  return {
    text: text || transfer,
    task: { ...occasion, transfer: left, transferRows: left ? transferRows : 0 },
  }
}

/** The rows that the task is learnt from. */
export const taskData = ({ transfer }: Occasion): StageData => (transfer ? 'transfer' : 'labelled')

/** A recipe as it is written, for defineRecipe(). */
export interface RecipeRecord<S extends Settings> {
  name: string
  /** One line. */
  describe: string
  source: string
  /** Whether it takes several teachers. */
  teachers: 'one' | 'many'
  /**
   * Where none is given, 'teacher': a new one of the teacher's own architecture; 'distilbert': of half its layers; 'copy': the
   * teacher as it is.
   */
  student: 'given' | 'teacher' | 'distilbert' | 'copy'
  /** The student where none is given, by the name of its size. */
  preset?: PresetName
  /** Whether a new student learns from texts made of the labelled ones too, where nothing else is asked for. */
  varies?: boolean
  /** Whether the lone student is trained as this one is, by the same flags; else by what is good for labels. */
  sameAlone?: boolean
  settings: S
  plan(settings: Values<S>, occasion: Occasion): Plan
}

/** A recipe as it is called: settings checked, defaults filled in. */
export interface Recipe extends Omit<RecipeRecord<Settings>, 'plan'> {
  /** Settings in `given` over the defaults. Throws DataError naming the setting; `file` is where they come from. */
  plan(given: Given, occasion: Occasion, file: string): Plan
}

export function defineRecipe<S extends Settings>(record: RecipeRecord<S>): Recipe {
  const { plan, settings, ...rest } = record
  return {
    ...{ ...rest, settings },
    plan: (given, occasion, file) =>
      plan(withSettings(settings, defaultsOf(settings), given, { file }), occasion),
  }
}
