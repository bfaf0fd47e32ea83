// config.json of the BERT family, as Hugging Face writes it: hostile until checked, and kept whole for the way back.
import { activationNames } from '../nn/encoder.js'
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

export interface ModelConfig {
  family: Family
  config: TransformerConfig
  /** What the weights are saved for, by the file's word, in its order: as far as they are ours. */
  kinds: readonly Kind[]
  /** As the file names them. */
  architectures: readonly string[]
}

/** Settings that would change what is computed, with the values at which they do not. */
const ordinary: Readonly<Record<string, readonly unknown[]>> = {
  position_embedding_type: ['absolute'],
  sinusoidal_pos_embds: [false, true],
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
  return { family, config, ...architecturesIn(given, family) }
}

function familyOf(given: Fields): Family {
  const type = given.get('model_type')
  // Configs from before 2020 have no model_type: the names of the sizes tell.
  const byFields = families.filter((f) => given.has(f.settings.width as string))
  const family =
    given.has('model_type') || byFields.length !== 1
      ? families.find((f) => f.modelType === type)
      : byFields[0]
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
  return {
    ...defaults,
    ...numbers,
    activation: given.oneOf(settings.activation as string, activationNames, defaults.activation),
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

function architecturesIn(given: Fields, family: Family): Pick<ModelConfig, 'kinds' | 'architectures'> {
  const architectures: unknown = given.get('architectures') ?? []
  if (!Array.isArray(architectures) || !architectures.every((name) => typeof name === 'string'))
    return given.refuse('architectures', 'a list of names')
  const named = (architectures as string[]).flatMap(
    (name) => kinds.find((kind) => architectureOf(family, kind) === name) ?? [],
  )
  return { architectures, kinds: named }
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
