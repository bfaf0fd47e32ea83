// config.json of the BERT family, as Hugging Face writes it: hostile until checked, and kept whole for the way back.
import { activationNames, blockLinears } from '../nn/encoder.js'
import {
  type BlockShape,
  blockLimits,
  described,
  fits,
  limits,
  type NumberField,
  numberedLabels,
  problemTypes,
  type TransformerConfig,
  tableWidth,
} from '../nn/models/config.js'
import {
  architectureOf,
  bert,
  distilbert,
  type Family,
  families,
  hasKind,
  type Kind,
  kinds,
  misfitOf,
  placesBefore,
} from '../nn/models/family.js'
import type { Pretrained } from '../nn/models/pretrained.js'
import { bottleneckFields, bottleneckIn, bottleneckOut } from './bottleneck.js'
import { Fields } from './fields.js'
import { shown } from './json.js'
import { placesFields, placesIn, placesOut } from './places.js'

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
/** Of one of Python's lists, whatever its items' order, or a text with | between them: one text for all of these. */
const plain = (value: unknown): unknown =>
  typeof value === 'string' || Array.isArray(value)
    ? (typeof value === 'string' ? value.split('|') : value.map(String))
        .map((part) => part.trim().toLowerCase())
        .sort()
        .join('|')
    : value

const own = [
  ...['model_type', 'architectures', 'id2label', 'label2id', 'num_labels', '_num_labels', 'problem_type'],
  ...['dtype', 'torch_dtype', 'tinystill_blocks'],
]

/**
 * Of a model that parts were cut out of: head_size, and a number a layer of heads and inner, and where layers are products of two
 * smaller ones their ranks by name. Python's transformers has one number for all layers, and says that shapes do not fit.
 */
const BLOCKS = 'tinystill_blocks'
const AGAIN = 'Write it as `tinystill shrink` does'

/** Checked as far as their kinds go; whether they fit the rest is for misfit(). */
function blocksIn(given: Fields): readonly BlockShape[] | null {
  if (!given.has(BLOCKS)) return null
  const refuse = (want: string): never => given.refuse(BLOCKS, want, AGAIN)
  const value = given.get(BLOCKS)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('an object')
  const document = new Map(Object.entries(value))
  const known = ['head_size', 'heads', 'inner', 'ranks']
  const other = [...document.keys()].find((field) => !known.includes(field))
  if (other !== undefined) return refuse(`of ${known.join(', ')} alone, and it has ${shown(other)}`)
  const own = new Fields(given.file, document)
  const headSize = own.number('head_size', blockLimits.headSize) as number
  const list = (field: 'heads' | 'inner') => {
    const numbers = document.get(field)
    if (!Array.isArray(numbers) || !numbers.every((n: unknown) => fits(n, blockLimits[field])))
      return refuse(`an object whose ${field} are a list, each ${described(blockLimits[field])}`)
    return numbers as number[]
  }
  const [heads, inner] = [list('heads'), list('inner')]
  const ranks: unknown = document.get('ranks') ?? heads.map(() => ({}))
  if (!Array.isArray(ranks) || inner.length !== heads.length || ranks.length !== heads.length)
    return refuse('an object whose lists have an item a layer')
  return heads.map((n, i) => ({ heads: n, headSize, inner: inner[i], ranks: ranksOf(ranks[i], refuse) }))
}

function ranksOf(value: unknown, refuse: (want: string) => never): BlockShape['ranks'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('an object whose ranks are objects')
  for (const [name, rank] of Object.entries(value))
    if (!(blockLinears as readonly string[]).includes(name) || !fits(rank, blockLimits.inner))
      return refuse(
        `an object whose ranks name ${blockLinears.join(', ')}, each ${described(blockLimits.inner)}`,
      )
  return { ...value }
}

/** What config.json has of blocks; nothing where they are alike. */
function blocksField({ blocks }: TransformerConfig): Record<string, unknown> {
  if (blocks === null) return {}
  const ranks = blocks.map((block) => block.ranks)
  const low = ranks.some((own) => Object.keys(own).length > 0)
  return {
    [BLOCKS]: {
      head_size: blocks[0].headSize,
      ...{ heads: blocks.map(({ heads }) => heads), inner: blocks.map(({ inner }) => inner) },
      ...(low && { ranks }),
    },
  }
}

const OTHERWISE = 'Models that compute otherwise are not supported'

const LABELS = { from: 1, to: 2 ** 20, whole: true }

/**
 * Settings that are missing are Hugging Face's defaults. Throws CheckpointError that names the file and the field: values
 * out of range, models that are none of ours, settings that would compute something else.
 */
export function configOf(given: Fields): ModelConfig {
  const family = familyOf(given)
  for (const [field, values] of Object.entries({ ...ordinary, ...family.fixed })) {
    if (given.has(field) && !values.includes(given.get(field)))
      given.refuse(field, values.map(String).join(' or '), OTHERWISE)
  }
  for (const [field, values] of Object.entries(family.stated))
    if (!values.map(plain).includes(plain(given.get(field))))
      given.refuse(field, values.map(String).join(' or '), OTHERWISE)
  for (const [field, other] of Object.entries(family.alike)) {
    if (given.has(field) && given.get(field) !== given.get(other))
      given.refuse(field, `the same as ${other}`, OTHERWISE)
  }
  const pruned = given.get('pruned_heads') ?? {}
  if (typeof pruned !== 'object' || Array.isArray(pruned) || Object.keys(pruned).length > 0)
    given.refuse('pruned_heads', 'empty')
  const config = settingsOf(given, family)
  const wrong = misfitOf(family, config)
  if (wrong !== null)
    given.refuse(
      wrong[0] === 'blocks' ? BLOCKS : (family.settings[wrong[0] as NumberField] ?? wrong[0]),
      wrong[1],
    )
  return { family, config, ...architecturesIn(given, family) }
}

function familyOf(given: Fields): Family {
  const type = given.get('model_type')
  // Configs from before 2020 have no model_type: the names of the sizes tell these two apart.
  const byFields = [bert, distilbert].filter((f) => given.has(f.settings.width as string))
  const family =
    given.has('model_type') || byFields.length !== 1
      ? families.find((f) => f.modelType === type)
      : byFields[0]
  if (family !== undefined) return family
  return given.refuse('model_type', families.map((f) => f.modelType).join(' or '))
}

function settingsOf(given: Fields, family: Family): TransformerConfig {
  const { defaults, settings } = family
  const known = new Set([
    ...own,
    ...Object.values(settings),
    ...Object.keys(family.alike),
    ...placesFields,
    ...(family.bottlenecks ? bottleneckFields : []),
    ...Object.keys(family.stated),
  ])
  const number = (name: NumberField) => {
    const field = settings[name]
    if (field === undefined || (name === 'inner' && family.innerFollows && given.get(field) === null))
      return defaults[name]
    return given.number(field, limits[name], defaults[name])
  }
  const numbers = Object.fromEntries(
    (Object.keys(limits) as NumberField[]).map((name) => [name, number(name)]),
  )
  // As GPT-2 has it, with null for what follows from the width.
  if (family.innerFollows && (given.get(settings.inner as string) ?? null) === null)
    numbers.inner = 4 * (numbers.width as number)
  return {
    ...defaults,
    ...numbers,
    maxLength: longestOf(given, family, numbers.maxLength as number, numbers.padId as number | null),
    activation: given.oneOf(settings.activation as string, activationNames, defaults.activation),
    ...placesIn(given, defaults, numbers.layers as number),
    bottleneck: defaults.bottleneck && bottleneckIn(given, defaults.bottleneck),
    textState:
      settings.textState === undefined
        ? defaults.textState
        : given.oneOf(settings.textState, ['cls', 'mean'] as const, defaults.textState),
    tied: given.oneOf(settings.tied as string, [true, false], defaults.tied),
    labels: labelsOf(given, defaults.labels),
    problemType: given.oneOf('problem_type', [null, ...problemTypes], null),
    blocks: blocksIn(given),
    extra: new Map([...given.document].filter(([field]) => !known.has(field))),
  }
}

/** Tokens of a text, by the rows of the table of places. */
function longestOf(given: Fields, family: Family, rows: number, padId: number | null): number {
  const field = family.settings.maxLength as string
  if (!given.has(field)) return rows
  if (family.placesAfterPad && padId === null)
    given.refuse(family.settings.padId as string, 'a number: places are counted from the one behind it on')
  const before = placesBefore(family, { padId })
  return rows > before ? rows - before : given.refuse(field, `above ${before}, the places before the first`)
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
    (name) => kinds.find((kind) => hasKind(family, kind) && architectureOf(family, kind) === name) ?? [],
  )
  return { architectures, kinds: named }
}

/** The text of a config.json that Python's transformers reads as this model's. */
export function configText(model: Pretrained): string {
  const { config, family } = model
  const maxLength = config.maxLength + placesBefore(family, config)
  const inner = family.innerFollows && config.inner === 4 * config.width ? null : config.inner
  const rows = { ...config, maxLength, inner, embedding: tableWidth(config) }
  const settings = Object.entries(family.settings).map(([name, field]) => [field, rows[name as NumberField]])
  const said: ReadonlyMap<unknown, unknown> = new Map(settings as [string, unknown][])
  const alike = Object.entries(family.alike).map(([field, other]) => [field, said.get(other)])
  const dtype = model.parameters()[0].dtype
  const stated = Object.entries(family.stated).map(([field, values]) => [field, values[0]])
  const document = {
    ...Object.fromEntries(stated),
    ...Object.fromEntries(config.extra),
    ...Object.fromEntries([...settings, ...alike]),
    ...placesOut(config),
    ...bottleneckOut(config),
    architectures: [model.architecture],
    dtype,
    id2label: Object.fromEntries(config.labels.map((name, i) => [i, name])),
    label2id: Object.fromEntries(config.labels.map((name, i) => [name, i])),
    model_type: family.modelType,
    ...blocksField(config),
    ...(config.problemType !== null && { problem_type: config.problemType }),
    // Older versions of transformers know the dtype by this name.
    torch_dtype: dtype,
  }
  const sorted = Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`
}
