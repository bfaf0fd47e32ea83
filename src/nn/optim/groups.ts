// Which parameters learn how: weight decay or none, a smaller rate for lower layers, or not at all. Decided by what a
// parameter belongs to; names are only for people, and differ between Hugging Face's families.
import { releaseGrad } from '../../autograd/leafgrad.js'
import { ArgumentError, got } from '../../errors.js'
import { type Kinds, optionsArg } from '../../tensor/check.js'
import { pow } from '../../tensor/math.js'
import { Tensor } from '../../tensor/tensor.js'
import { Embedding, LayerNorm, Linear } from '../layers.js'
import { Module } from '../module.js'
import type { ParameterGroup } from './optimizer.js'

export interface ParameterRow {
  /** As in namedParameters(). */
  name: string
  param: Tensor
  /** Of the stack of equal blocks that the model is built on: what stands below it, in it, and above it. */
  part: 'embeddings' | 'layer' | 'pooler' | 'head'
  /** 0 for embeddings, i + 1 in block i of n, n + 1 for a pooler, n + 2 for the head. */
  depth: number
  /** Whether weight decay is for it: not for biases and layer norms. */
  decays: boolean
}

/** A parameter and the modules it is in, outermost first. */
interface Found {
  param: Tensor
  key: string
  owners: { name: string; module: Module }[]
}

/** In the order in which the model declares them: embeddings before blocks before heads. */
function* walk(owners: Found['owners']): Generator<Found> {
  for (const [key, value] of Object.entries(owners[owners.length - 1].module)) {
    if (value instanceof Tensor) yield { param: value, key, owners }
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child instanceof Module) yield* walk([...owners, { name: key, module: child }])
    }
  }
}

/** The longest list of modules of one class: the encoder's blocks. */
function stackOf(model: Module): readonly Module[] {
  let longest: readonly Module[] = []
  for (const [, module] of model.namedModules()) {
    for (const value of Object.values(module)) {
      if (!Array.isArray(value) || value.length <= longest.length) continue
      if (value.every((m) => m instanceof Module && m.constructor === value[0].constructor)) longest = value
    }
  }
  return longest
}

function isNorm({ key, owners }: Found): boolean {
  const { name, module } = owners[owners.length - 1]
  return module instanceof LayerNorm || /norm$/i.test(name) || /norm$/i.test(key)
}

/** One row a parameter, a shared one once. In a stack of linear layers the last is the head. */
export function parameterTable(model: Module): ParameterRow[] {
  if (!(model instanceof Module))
    throw new ArgumentError('optim', `the model must be a Module, got ${got(model)}`)
  const names = new Map(Array.from(model.namedParameters(), ([name, p]) => [p, name]))
  const whole = stackOf(model)
  const stack = whole.at(-1) instanceof Linear ? whole.slice(0, -1) : whole
  const rows = new Map<Tensor, ParameterRow>()
  let above = stack.length === 0
  for (const found of walk([{ name: '', module: model }])) {
    const { param, key, owners } = found
    const layer = owners.reduce((at, { module }) => (at < 0 ? stack.indexOf(module) : at), -1)
    if (layer >= 0) above = true
    if (rows.has(param)) continue
    const embeds = owners[owners.length - 1].module instanceof Embedding
    const [part, depth]: [ParameterRow['part'], number] =
      layer >= 0
        ? ['layer', layer + 1]
        : !above || embeds
          ? ['embeddings', 0]
          : owners.some(({ name }) => name === 'pooler')
            ? ['pooler', stack.length + 1]
            : ['head', stack.length + 2]
    const decays = key !== 'bias' && !isNorm(found)
    rows.set(param, { name: names.get(param) ?? key, param, part, depth, decays })
  }
  return [...rows.values()]
}

export interface GroupRules {
  /** Of what decays: all but biases and layer norms. */
  weightDecay: number
  /**
   * The rate falls by this factor a layer from the head down: the head's is the whole lr, a pooler's lr * layerDecay,
   * block i of n has layerDecay^(n + 1 - i) of it, the embeddings layerDecay^(n + 2). BAM's and ELECTRA's, where it is 0.9.
   * Default 1.
   */
  layerDecay?: number
  /** Weight decay for biases and layer norms too. Default false. */
  decayAll?: boolean
}

const groupRules: Kinds<GroupRules> = { weightDecay: 'finite', layerDecay: 'number', decayAll: 'boolean' }

/** The parameters that are not frozen, for an optimizer. Throws RangeError unless 0 < layerDecay <= 1. */
export function parameterGroups(model: Module, rules: GroupRules): ParameterGroup[] {
  const {
    weightDecay = Number.NaN,
    layerDecay = 1,
    decayAll = false,
  } = optionsArg('parameterGroups', rules, groupRules)
  if (!(weightDecay >= 0))
    throw new RangeError(`parameterGroups: weightDecay must be 0 or more, got ${got(rules?.weightDecay)}`)
  if (!(layerDecay > 0 && layerDecay <= 1))
    throw new RangeError(`parameterGroups: layerDecay must lie in (0, 1], got ${layerDecay}`)
  const rows = parameterTable(model)
  const layers = Math.max(0, ...rows.filter((r) => r.part === 'layer').map((r) => r.depth))
  const groups = new Map<string, ParameterGroup & { params: Tensor[] }>()
  for (const { param, depth, decays } of rows) {
    if (!param.requiresGrad) continue
    const down = layers + 2 - depth
    const lrScale = layerDecay === 1 ? 1 : pow(layerDecay, down)
    const group = { params: [], lrScale, weightDecay: decays || decayAll ? weightDecay : 0 }
    const key = `${lrScale} ${decays}`
    const { params } = groups.get(key) ?? group
    groups.set(key, { ...group, params: [...params, param] })
  }
  return [...groups.values()]
}

/** Two groups: weight decay for matrices, none for biases and layer norms, as BERT trains. */
export function decayGroups(model: Module, weightDecay: number): ParameterGroup[] {
  return parameterGroups(model, { weightDecay })
}

export interface FreezeRules {
  /** What stands below the first block, its norm included. */
  embeddings?: boolean
  /** The first n blocks. */
  layers?: number
  /** Everything below the head; a pooler learns with the head. */
  allButHead?: boolean
  /** Beginnings of names as in namedParameters(): whole segments, `bert.encoder.layer.1` leaves layer 10 alone. */
  prefixes?: readonly string[]
}

const freezeRules: Kinds<FreezeRules> = {
  embeddings: 'boolean',
  layers: 'number',
  allButHead: 'boolean',
  prefixes: 'any',
}

/**
 * Parameters that the rules name stop learning: requiresGrad false, no gradient, no optimizer state. Returns their names.
 * Throws RangeError for a prefix that no name has, more layers than there are, a model without a head; nothing is frozen then.
 */
export function freeze(model: Module, rules: FreezeRules): string[] {
  const {
    embeddings = false,
    layers = 0,
    allButHead = false,
    prefixes = [],
  } = optionsArg('freeze', rules, freezeRules)
  if (!Array.isArray(prefixes) || !prefixes.every((p) => typeof p === 'string'))
    throw new ArgumentError('freeze', `prefixes must be a list of names, got ${got(prefixes)}`)
  const rows = parameterTable(model)
  const has = (name: string, prefix: string) =>
    name === prefix || name.startsWith(prefix.endsWith('.') ? prefix : `${prefix}.`)
  for (const prefix of prefixes) {
    if (!rows.some((r) => has(r.name, prefix)))
      throw new RangeError(`freeze: no parameter's name begins with ${prefix}, the first is ${rows[0]?.name}`)
  }
  const most = Math.max(0, ...rows.filter((r) => r.part === 'layer').map((r) => r.depth))
  if (!(Number.isInteger(layers) && layers >= 0 && layers <= most))
    throw new RangeError(`freeze: layers must be a whole number from 0 to ${most}, got ${layers}`)
  if (allButHead && !rows.some((r) => r.part === 'head'))
    throw new RangeError('freeze: the model has no head')
  const frozen = rows.filter(
    ({ name, part, depth }) =>
      (embeddings && part === 'embeddings') ||
      (part === 'layer' && depth <= layers) ||
      (allButHead && (part === 'embeddings' || part === 'layer')) ||
      prefixes.some((prefix) => has(name, prefix)),
  )
  for (const { param } of frozen) {
    releaseGrad(param)
    param.requiresGrad = false
  }
  return frozen.map((r) => r.name)
}
