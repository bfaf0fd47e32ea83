// config.json of the BERT family, as Hugging Face writes it: hostile until checked, and kept whole for the way back.
import { CheckpointError } from '../errors.js'
import { activations } from '../nn/encoder.js'
import {
  limits,
  misfit,
  type NumberField,
  numberedLabels,
  problemTypes,
  type TransformerConfig,
} from '../nn/models/config.js'
import { architectureOf, type Family, families, type Kind, kinds } from '../nn/models/family.js'
import type { Pretrained } from '../nn/models/pretrained.js'
import type { Fields } from './fields.js'
import { shown } from './json.js'

export interface ModelConfig {
  family: Family
  config: TransformerConfig
  /** What the weights are saved for, where the file says so and it is one of ours. */
  kind: Kind | null
  /** As the file names it. */
  architecture: string | null
}

/** Settings that would change what is computed, with the values at which they do not. */
const ordinary: Readonly<Record<string, readonly unknown[]>> = {
  position_embedding_type: ['absolute'],
  sinusoidal_pos_embds: [false],
  is_decoder: [false],
  add_cross_attention: [false],
  quantization_config: [null],
}

/** Read into a config's own fields, or decided by the model that is written. */
const own = [
  ...['model_type', 'architectures', 'id2label', 'label2id', 'num_labels', '_num_labels', 'problem_type'],
  ...['dtype', 'torch_dtype'],
]

const LABELS = { from: 1, to: 2 ** 20, whole: true }

/**
 * Settings that are missing are Hugging Face's defaults. Throws CheckpointError that names the file and the field: values
 * out of range, models that are none of ours, settings that would compute something else.
 */
export function configOf(given: Fields): ModelConfig {
  const family = familyOf(given)
  for (const [field, values] of Object.entries(ordinary)) {
    if (given.has(field) && !values.includes(given.get(field)))
      given.refuse(field, values.map(String).join(' or '), 'Models that compute otherwise are not supported')
  }
  const pruned = given.get('pruned_heads') ?? {}
  if (typeof pruned !== 'object' || Array.isArray(pruned) || Object.keys(pruned).length > 0)
    given.refuse('pruned_heads', 'empty')
  const config = settingsOf(given, family)
  const wrong = misfit(config)
  if (wrong !== null) given.refuse(family.settings[wrong[0] as NumberField] ?? wrong[0], wrong[1])
  return { family, config, ...architectureIn(given, family) }
}

function familyOf(given: Fields): Family {
  // Configs from before 2020 have no model_type.
  const old = !given.has('model_type') && given.has('hidden_size')
  const type = old ? 'bert' : given.get('model_type')
  const family = families.find((f) => f.modelType === type)
  if (family !== undefined) return family
  return given.refuse('model_type', families.map((f) => f.modelType).join(' or '))
}

function settingsOf(given: Fields, family: Family): TransformerConfig {
  const { defaults, settings } = family
  const known = new Set([...own, ...Object.values(settings)])
  const number = (name: NumberField) => {
    const field = settings[name]
    return field === undefined ? defaults[name] : given.number(field, limits[name], defaults[name])
  }
  const numbers = Object.fromEntries(
    (Object.keys(limits) as NumberField[]).map((name) => [name, number(name)]),
  )
  const choices = Object.keys(activations) as (keyof typeof activations)[]
  return {
    ...defaults,
    ...numbers,
    activation: given.oneOf(settings.activation as string, choices, defaults.activation),
    tied: given.oneOf(settings.tied as string, [true, false], defaults.tied),
    labels: labelsOf(given, defaults.labels),
    problemType: given.oneOf('problem_type', [null, ...problemTypes], null),
    extra: new Map([...given.document].filter(([field]) => !known.has(field))),
  }
}

function labelsOf(given: Fields, fallback: readonly string[]): readonly string[] {
  if (given.has('id2label') && given.get('id2label') !== null) return given.names('id2label')
  const count = ['num_labels', '_num_labels'].find((field) => given.has(field))
  return count === undefined ? fallback : numberedLabels(given.number(count, LABELS) as number)
}

function architectureIn(given: Fields, family: Family): Pick<ModelConfig, 'kind' | 'architecture'> {
  const list = given.get('architectures') ?? []
  if (!Array.isArray(list) || !list.every((name) => typeof name === 'string'))
    return given.refuse('architectures', 'a list of names')
  const architecture = list.length > 0 ? (list[0] as string) : null
  return { architecture, kind: kinds.find((kind) => architectureOf(family, kind) === architecture) ?? null }
}

/** The text of a config.json that Python's transformers reads as this model's. */
export function configText(model: Pretrained): string {
  const { config, family } = model
  const settings = Object.entries(family.settings).map(([name, field]) => [
    field,
    config[name as NumberField],
  ])
  const dtype = model.parameters()[0].dtype
  const document = {
    ...Object.fromEntries(config.extra),
    ...Object.fromEntries(settings),
    architectures: [model.architecture],
    dtype,
    id2label: Object.fromEntries(config.labels.map((name, i) => [i, name])),
    label2id: Object.fromEntries(config.labels.map((name, i) => [name, i])),
    model_type: family.modelType,
    ...(config.problemType !== null && { problem_type: config.problemType }),
    // Older versions of transformers know the dtype by this name.
    torch_dtype: dtype,
  }
  const sorted = Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`
}

/** Throws CheckpointError that names the models we have, unless the file or the caller says which is meant. */
export function kindOf(file: string, { kind, architecture, family }: ModelConfig): Kind {
  if (kind !== null) return kind
  const ours = kinds.map((k) => architectureOf(family, k)).join(', ')
  throw new CheckpointError(
    file,
    `architectures ${architecture === null ? 'names no model' : `names ${shown(architecture)}`}, it must be one of ${ours}`,
    `Say what to load it as: one of ${kinds.join(', ')}`,
  )
}
