// What a --config file may change in a plan: settings of the recipe, of all stages, of one stage, of one loss.
import { DataError } from '../../errors.js'
import { trainingOptimizers } from '../../nn/optim/trained-by.js'
import { layerMapNames } from '../layer-map.js'
import { lossTable } from './loss-table.js'
import {
  type FitSettings,
  fitSettings,
  type LossPlan,
  lossesOf,
  type Plan,
  type StagePlan,
  stageData,
  type Varying,
} from './plan.js'
import { pruneAt } from './pruning.js'
import { quantizeAt } from './quantization.js'
import {
  checkKnown,
  flag,
  type Given,
  objectAt,
  oneOf,
  type Settings,
  wholeOrNone,
  withSettings,
} from './settings.js'

const stageSettings = {
  data: oneOf(stageData, 'labelled'),
  teacherDropout: flag(false),
  padTo: wholeOrNone(1, 65536),
}

/**
 * A file's settings, parted: those of the recipe by its own names, the rest for withConfig. Throws DataError for a name that
 * is neither, with the nearest.
 */
export function partConfig(file: string, given: Given, recipe: Settings): { options: Given; rest: Given } {
  const own = Object.keys(recipe)
  const known = [...own, ...Object.keys(fitSettings), 'stages']
  for (const name of Object.keys(given)) checkKnown(file, '', name, known)
  const entries = Object.entries(given)
  return {
    options: Object.fromEntries(entries.filter(([name]) => own.includes(name))),
    rest: Object.fromEntries(entries.filter(([name]) => !own.includes(name))),
  }
}

/** How a stage is trained, with what is given in place: of epochs and steps the one that is given last counts. */
export function withFit(
  before: FitSettings,
  given: Given,
  place: { file: string; where?: string },
): FitSettings {
  const { steps = null } = given
  if (given.epochs !== undefined && steps !== null)
    throw new DataError(
      place.file,
      `${place.where ?? ''}epochs and steps are two lengths of one training`,
      'Give one',
    )
  const fit = withSettings(fitSettings, before, given, place)
  for (const [optimizer, { own }] of Object.entries(trainingOptimizers)) {
    const strange = own.find((name) => given[name] !== undefined)
    if (strange !== undefined && optimizer !== fit.optimizer)
      throw new DataError(
        place.file,
        `${place.where ?? ''}${strange} is a setting of ${optimizer}, the optimizer is ${fit.optimizer}`,
        `Give optimizer: ${optimizer} too`,
      )
  }
  return given.epochs === undefined ? fit : { ...fit, steps: null }
}

/**
 * The plan with a file's settings in place: { epochs: 2, stages: { distil: { lr: 1e-4, losses: { soft: { weight: 1, T: 4 } } } } }.
 * What stands at the top is for all stages, but not for the baseline, which stages: { alone } alone changes. Losses that are
 * new are added, weight 0 takes one away.
 * Throws DataError that names the setting.
 */
export function withConfig(plan: Plan, file: string, given: Given): Plan {
  const { stages = {}, ...all } = given
  const byName = objectAt(file, 'stages', stages)
  const names = [...plan.stages, plan.baseline].map((stage) => stage.name)
  for (const name of Object.keys(byName)) checkKnown(file, 'stages.', name, names)
  const common = (stage: StagePlan) => ({ ...stage, fit: withFit(stage.fit, all, { file }) })
  const own = (stage: StagePlan) =>
    Object.hasOwn(byName, stage.name) ? changed(stage, file, byName[stage.name]) : stage
  return {
    ...plan,
    stages: plan.stages.map((stage) => own(common(stage))),
    // A recipe that is tuned, or spoilt, is compared with the same lone student as before.
    baseline: own(plan.baseline),
  }
}

function changed(stage: StagePlan, file: string, value: unknown): StagePlan {
  const where = `stages.${stage.name}.`
  const {
    losses = {},
    layerMap = stage.layerMap,
    quantize,
    prune,
    ...rest
  } = objectAt(file, where.slice(0, -1), value)
  const own = ['losses', 'layerMap', 'quantize', 'prune']
  const known = [...Object.keys(fitSettings), ...Object.keys(stageSettings), ...own]
  for (const name of Object.keys(rest)) checkKnown(file, where, name, known)
  const part = (keys: object) =>
    Object.fromEntries(Object.entries(rest).filter(([name]) => Object.hasOwn(keys, name)))
  const place = { file, where }
  const out = {
    ...stage,
    ...withSettings(
      stageSettings,
      { data: stage.data, teacherDropout: stage.teacherDropout, padTo: stage.padTo },
      part(stageSettings),
      place,
    ),
    fit: withFit(stage.fit, part(fitSettings), place),
    layerMap: layerMapAt(file, `${where}layerMap`, layerMap),
    quantize: quantize === undefined ? stage.quantize : quantizeAt(file, `${where}quantize`, quantize),
    prune: prune === undefined ? stage.prune : pruneAt(file, `${where}prune`, prune, stage.prune),
    losses: { ...stage.losses, ...changedLosses(stage, file, `${where}losses`, losses) },
  }
  if (out.quantize !== null && out.prune !== null)
    throw new DataError(
      file,
      `${where}quantize and prune are for two stages`,
      'Prune first, and quantize what came of it',
    )
  const learnt = lossesOf(out, file)
  if (out.teacherDropout && (out.teacher === null || !learnt.some(({ loss }) => loss.needs.teacher)))
    throw new DataError(file, `${where}teacherDropout is on, but no teacher has a part in the stage`)
  if (learnt.length === 0)
    throw new DataError(file, `${where}losses leaves no loss to learn from`, 'Give one a weight above 0')
  return out
}

function changedLosses(
  stage: StagePlan,
  file: string,
  where: string,
  value: unknown,
): Record<string, LossPlan> {
  const entries = Object.entries(objectAt(file, where, value)).map(([name, given]): [string, LossPlan] => {
    checkKnown(file, `${where}.`, name, Object.keys(lossTable))
    const before = Object.hasOwn(stage.losses, name) ? stage.losses[name] : { weight: 1, options: {} }
    const { weight = before.weight, ...options } = objectAt(file, `${where}.${name}`, given)
    return [
      name,
      {
        weight: weightAt(file, `${where}.${name}.weight`, weight),
        options: { ...before.options, ...options },
      },
    ]
  })
  return Object.fromEntries(entries)
}

const isNumber = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x)

function weightAt(file: string, where: string, value: unknown): Varying {
  if (isNumber(value) && value >= 0) return value
  if (typeof value === 'object' && value !== null) {
    const { from, to } = value as Given
    if (isNumber(from) && isNumber(to) && from >= 0 && to >= 0 && Object.keys(value).length === 2)
      return { from, to }
  }
  throw new DataError(file, `${where} must be a number from 0 on, or { from, to }`)
}

const whole = (x: unknown) => Number.isSafeInteger(x) && Number(x) >= 0
const isPairs = (value: unknown): boolean =>
  Array.isArray(value) && value.every((p) => Array.isArray(p) && p.length === 2 && p.every(whole))

function layerMapAt(file: string, where: string, value: unknown): StagePlan['layerMap'] {
  if (value === null || layerMapNames.some((name) => name === value) || isPairs(value))
    return value as StagePlan['layerMap']
  if (typeof value === 'object' && !Array.isArray(value)) {
    const parts = Object.entries(value)
    if (parts.length > 0 && parts.every(([name, p]) => /^(hidden|attention)$/.test(name) && isPairs(p)))
      return value as StagePlan['layerMap']
  }
  throw new DataError(
    file,
    `${where} must be ${layerMapNames.join(', ')}, or pairs [student's layer, teacher's layer], or { hidden, attention } of those`,
  )
}
