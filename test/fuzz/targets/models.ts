// Files of model folders: config.json of the BERT family and of our own kind, the index of shards.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tensor } from '../../../src/autograd/create.js'
import { tidy } from '../../../src/autograd/tidy.js'
import type { TextModel } from '../../../src/files/models/folder.js'
import { loadTextModel, readCheckpoint, readConfig } from '../../../src/files/models/on-disk.js'
import type { ModelConfig } from '../../../src/formats/config.js'
import { writeSafetensors } from '../../../src/formats/safetensors/safetensors.js'
import { saveTinyModel } from '../../cli/model.js'
import type { Dice } from '../../io/mutants.js'
import { pick, struck } from '../bytes.js'
import { spoilt, treeOf } from '../documents.js'
import { plainJson } from '../plain.js'
import { slot } from '../slot.js'
import type { Target } from '../target.js'

const utf8 = (text: string) => new TextEncoder().encode(text)

/** A document spoilt as JSON, or its bytes struck. */
export function spoiler(documents: readonly unknown[]): (roll: Dice) => Uint8Array {
  const trees = documents.map(treeOf)
  const texts = documents.map((document) => utf8(JSON.stringify(document, null, 1)))
  return (roll) => {
    if (roll(4) === 0) return struck(pick(roll, texts), roll)
    const bytes = utf8(spoilt(pick(roll, trees), roll))
    return roll(12) === 0 ? struck(bytes, roll) : bytes
  }
}

type Known = Record<string, unknown>
const isObject = (value: unknown): value is Known =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a number in a config may be; the default where it is left out. */
type Rule = [
  field: string,
  from: number,
  to: number,
  kind: 'whole' | 'share' | 'any',
  fallback: number | null | 'must',
]

const bert: Rule[] = [
  ['vocab_size', 1, 2 ** 24, 'whole', 30522],
  ['hidden_size', 1, 2 ** 16, 'whole', 768],
  ['num_hidden_layers', 0, 1000, 'whole', 12],
  ['num_attention_heads', 1, 4096, 'whole', 12],
  ['intermediate_size', 1, 2 ** 18, 'whole', 3072],
  ['max_position_embeddings', 1, 2 ** 24, 'whole', 512],
  ['type_vocab_size', 0, 2 ** 24, 'whole', 2],
  ['layer_norm_eps', 0, 1, 'any', 1e-12],
  ['hidden_dropout_prob', 0, 1, 'share', 0.1],
  ['attention_probs_dropout_prob', 0, 1, 'share', 0.1],
  ['initializer_range', 0, 1000, 'any', 0.02],
]
const distilbert: Rule[] = [
  ['vocab_size', 1, 2 ** 24, 'whole', 30522],
  ['dim', 1, 2 ** 16, 'whole', 768],
  ['n_layers', 0, 1000, 'whole', 6],
  ['n_heads', 1, 4096, 'whole', 12],
  ['hidden_dim', 1, 2 ** 18, 'whole', 3072],
  ['max_position_embeddings', 1, 2 ** 24, 'whole', 512],
  ['dropout', 0, 1, 'share', 0.1],
  ['attention_dropout', 0, 1, 'share', 0.1],
  ['initializer_range', 0, 1000, 'any', 0.02],
]
const own: Rule[] = [
  ['vocab_size', 2, 2 ** 24, 'whole', 'must'],
  ['hidden_size', 1, 2 ** 16, 'whole', 'must'],
  ['num_hidden_layers', 0, 1000, 'whole', 'must'],
  ['num_attention_heads', 1, 4096, 'whole', 'must'],
  ['intermediate_size', 1, 2 ** 18, 'whole', 'must'],
  ['max_position_embeddings', 1, 2 ** 24, 'whole', 'must'],
  ['pad_token_id', 0, 2 ** 24, 'whole', 'must'],
  ['hidden_dropout_prob', 0, 1, 'share', 'must'],
  ['layer_norm_eps', 0, 1, 'any', 'must'],
]

/** The first number that breaks its rule. */
function brokenRule(rules: readonly Rule[], given: Known): string | null {
  for (const [field, from, to, kind, fallback] of rules) {
    if (!Object.hasOwn(given, field)) {
      if (fallback === 'must') return `${field} is missing`
      continue
    }
    const x = given[field]
    const fits = typeof x === 'number' && x >= from && (kind === 'share' ? x < to : x <= to)
    if (!fits || (kind === 'whole' && Math.floor(x as number) !== x))
      return `${field} is ${JSON.stringify(x)}`
  }
  return null
}

/** By int() of its key, as Python reads it; null where that is no list of names. */
function labelsIn(value: unknown): string[] | null {
  if (!isObject(value)) return null
  const names: string[] = []
  for (const [key, name] of Object.entries(value)) {
    if (!/^\d+$/.test(key) || typeof name === 'object' || names[Number(key)] !== undefined) return null
    names[Number(key)] = String(name)
  }
  const whole = names.length === Object.keys(value).length && names.length > 0
  return whole ? names : null
}

/** What is wrong with the sizes of a model that parts were cut out of. */
function brokenBlocks(
  value: unknown,
  { layers, heads, inner, width }: Record<string, number>,
): string | null {
  if (!isObject(value)) return 'is no object'
  const known = ['head_size', 'heads', 'inner', 'ranks']
  if (Object.keys(value).some((field) => !known.includes(field))) return 'has an unknown field'
  const whole = (x: unknown, to: number): x is number =>
    Number.isInteger(x) && (x as number) >= 1 && (x as number) <= to
  const { head_size: size, ranks } = value
  if (!whole(size, 2 ** 16)) return 'head_size'
  for (const [name, most, to] of [
    ['heads', heads, 4096],
    ['inner', inner, 2 ** 18],
  ] as const) {
    const list = value[name]
    if (!Array.isArray(list) || list.length !== layers || !list.every((x) => whole(x, to))) return name
    if (layers > 0 && !list.includes(most)) return `${name}: none is ${most}`
    if (list.some((x) => x > most)) return `${name}: one is above ${most}`
  }
  if (ranks === undefined || ranks === null) return null
  if (!Array.isArray(ranks) || ranks.length !== layers) return 'ranks'
  for (const [i, own] of ranks.entries()) {
    if (!isObject(own)) return 'ranks'
    const attended = (value.heads as number[])[i] * size
    const least: Known = { up: Math.min(width, (value.inner as number[])[i]) }
    least.down = least.up
    for (const name of ['query', 'key', 'value', 'out']) least[name] = Math.min(width, attended)
    for (const [name, rank] of Object.entries(own))
      if (!Object.hasOwn(least, name) || !whole(rank, least[name] as number)) return `rank ${name}`
  }
  return null
}

function judgeConfig(bytes: Uint8Array, { family, config, architectures }: ModelConfig): string | null {
  const given = plainJson(bytes)?.value
  if (!isObject(given)) return 'it is no JSON object, or names a field twice'
  const isBert = family.modelType === 'bert'
  const sized = Object.hasOwn(given, isBert ? 'hidden_size' : 'dim')
  if (Object.hasOwn(given, 'model_type') ? given.model_type !== family.modelType : !sized) return 'model_type'
  const broken = brokenRule(isBert ? bert : distilbert, given)
  if (broken !== null) return broken
  const at = (field: string, fallback: unknown) => (Object.hasOwn(given, field) ? given[field] : fallback)
  const width = at(isBert ? 'hidden_size' : 'dim', 768) as number
  if (config.width !== width) return `width is read as ${config.width}`
  const heads = at(isBert ? 'num_attention_heads' : 'n_heads', 12) as number
  if (!Object.hasOwn(given, 'tinystill_blocks')) {
    if (width % heads !== 0) return `${heads} heads of ${width}`
  } else {
    const layers = at(isBert ? 'num_hidden_layers' : 'n_layers', isBert ? 12 : 6) as number
    const inner = at(isBert ? 'intermediate_size' : 'hidden_dim', 3072) as number
    const wrong = brokenBlocks(given.tinystill_blocks, { layers, heads, inner, width })
    if (wrong !== null) return `tinystill_blocks: ${wrong}`
  }
  const pad = at('pad_token_id', 0) as number | null
  if (pad !== null && !(pad >= 0 && pad < config.vocabSize)) return 'pad_token_id'
  const named = at('id2label', null)
  if (named !== null && JSON.stringify(labelsIn(named)) !== JSON.stringify(config.labels)) return 'id2label'
  const names = at('architectures', null) ?? []
  if (JSON.stringify(names) !== JSON.stringify(architectures)) return 'architectures'
  const pruned = at('pruned_heads', null) ?? {}
  if (!isObject(pruned) || Object.keys(pruned).length > 0) return 'pruned_heads'
  const gelus = ['gelu', 'gelu_new', 'gelu_fast', 'gelu_python', 'gelu_accurate', 'quick_gelu']
  const acts = [...gelus, 'gelu_pytorch_tanh', 'gelu_python_tanh', 'relu', 'relu6', 'silu', 'swish', 'mish']
  acts.push('tanh', 'sigmoid')
  if (!acts.includes(at(isBert ? 'hidden_act' : 'activation', 'gelu') as string)) return 'the activation'
  for (const [field, value] of config.extra)
    if (JSON.stringify(given[field]) !== JSON.stringify(value)) return `${field} is kept otherwise`
  return null
}

const bertDocument = {
  architectures: ['BertForSequenceClassification'],
  ...{ model_type: 'bert', vocab_size: 9, hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 },
  ...{ intermediate_size: 10, max_position_embeddings: 6, type_vocab_size: 2, layer_norm_eps: 1e-12 },
  ...{ hidden_act: 'gelu', hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, pad_token_id: 0 },
  ...{ initializer_range: 0.02, tie_word_embeddings: true, classifier_dropout: null, pruned_heads: {} },
  ...{ id2label: { 0: 'no', 1: 'yes' }, label2id: { no: 0, yes: 1 }, problem_type: null, is_decoder: false },
}
const distilbertDocument = {
  ...{ architectures: ['DistilBertForMaskedLM'], model_type: 'distilbert', vocab_size: 9, dim: 8 },
  ...{ n_layers: 1, n_heads: 2, hidden_dim: 10, max_position_embeddings: 6, activation: 'relu' },
  ...{ dropout: 0.1, attention_dropout: 0, seq_classif_dropout: 0.2, sinusoidal_pos_embds: false },
  ...{ num_labels: 3, initializer_range: 0.02, transformers_version: '4.40.0' },
}

const cutDocument = {
  ...bertDocument,
  tinystill_blocks: { head_size: 4, heads: [2, 1], inner: [3, 10], ranks: [{ up: 2, out: 8 }, {}] },
}

export const configTarget: Target = {
  name: 'config',
  share: 14,
  open(folder) {
    const fill = slot(join(folder, 'config.json'))
    return {
      make: spoiler([bertDocument, distilbertDocument, cutDocument]),
      read: (bytes) => {
        fill(bytes)
        return readConfig(join(folder, 'config.json'))
      },
      judge: (bytes, value) => judgeConfig(bytes, value as ModelConfig),
    }
  },
}

/** Our own kind of folder, weights and all: what config.json asks for must be in them. */
export const ownConfigTarget: Target = {
  name: 'own-config',
  share: 4,
  open(folder) {
    saveTinyModel(folder)
    const file = join(folder, 'config.json')
    const document = JSON.parse(readFileSync(file, 'utf8'))
    const fill = slot(file)
    return {
      make: spoiler([document]),
      read: (bytes) => {
        fill(bytes)
        return tidy(() => loadTextModel(folder))
      },
      judge: (bytes, value) => {
        const { model, classes } = value as TextModel
        for (const p of model.parameters()) p.dispose()
        const given = plainJson(bytes)?.value
        if (!isObject(given)) return 'it is no JSON object, or names a field twice'
        const broken = brokenRule(own, given)
        if (broken !== null) return broken
        const sizes = ['vocab_size', 'hidden_size', 'num_hidden_layers', 'intermediate_size']
        const other = sizes.find((field) => given[field] !== document[field])
        if (other !== undefined) return `the weights have another ${other}`
        if (JSON.stringify(labelsIn(given.id2label)) !== JSON.stringify(classes)) return 'id2label'
        return given.model_type === document.model_type && given.pooling === 'mean'
          ? null
          : 'model_type or pooling'
      },
    }
  },
}

const held = { 'a.safetensors': ['x', '__proto__'], 'b.safetensors': ['y'] }
/** fromEntries, because a literal would set the prototype. */
const weightMap = Object.fromEntries(
  Object.entries(held).flatMap(([file, names]) => names.map((n) => [n, file])),
)

export const indexTarget: Target = {
  name: 'index',
  share: 8,
  open(folder) {
    mkdirSync(join(folder, 'model'))
    const inner = join(folder, 'model')
    // What a path out of the folder would find.
    for (const place of [inner, folder])
      for (const [file, names] of Object.entries(held))
        writeFileSync(join(place, file), writeSafetensors(names.map((name) => [name, tensor([1])] as const)))
    const fill = slot(join(inner, 'model.safetensors.index.json'))
    return {
      make: spoiler([{ metadata: { total_size: 16 }, weight_map: weightMap }]),
      read: (bytes) => {
        fill(bytes)
        const { tensors } = readCheckpoint(inner)
        for (const t of tensors.values()) t.dispose()
        return [...tensors.keys()].sort()
      },
      judge: (bytes, value) => {
        const given = plainJson(bytes)?.value
        const map = isObject(given) ? given.weight_map : null
        if (!isObject(map)) return 'it is no JSON object, or names a field twice'
        // A shard that the map does not name is none; of the others it names all tensors.
        const named = Object.entries(held).filter(([file]) => Object.values(map).includes(file))
        const wanted = named.flatMap(([file, names]) => names.map((name) => `${name} ${file}`))
        const found = Object.entries(map).map(([name, file]) => `${name} ${file}`)
        if (wanted.sort().join() !== found.sort().join()) return `the map is ${found}`
        const names = (value as string[]).join()
        return names === Object.keys(map).sort().join() ? null : `it reads ${names}`
      },
    }
  },
}
