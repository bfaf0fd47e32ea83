// Which parameters learn how: weight decay or none, a smaller rate for lower layers, or not at all. Decided by what a
// parameter belongs to; names are only for people, and differ between Hugging Face's families.
import { releaseGrad } from '../../autograd/leafgrad.js'
import { ArgumentError, got } from '../../errors.js'
import { finiteArg, type Kinds, optionsArg, wholeArg } from '../../tensor/check.js'
import { pow } from '../../tensor/math.js'
import { Tensor } from '../../tensor/tensor.js'
import { Embedding, LayerNorm, Linear } from '../layers.js'
import { Module, moduleArg } from '../module.js'
import { LearnsApart } from '../stand-ins/stand-in.js'
import type { ParameterGroup } from './optimizer.js'

/** A parameter, with its name and its place in the model. */
export interface ParameterRow {
  /** As in namedParameters(). */
  name: string
  param: Tensor
  /** Of the stack of equal blocks that the model is built on: what stands below it, in it, and above it. */
  part: 'embeddings' | 'layer' | 'pooler' | 'head'
  /** 0 for embeddings, i + 1 in block i of n, n + 1 for a pooler, n + 2 for the head. */
  depth: number
  /** Whether weight decay is for it: not for biases, layer norms, steps and scores. */
  decays: boolean
  /** Whether it learns at a rate of its own: the step of a grid, in training with quantization, or the scores of a mask. */
  apart: boolean
}

/** A parameter and the modules it is in, outermost first. */
interface Found {
  param: Tensor
  key: string
  owners: { name: string; module: Module }[]
}

/** A path without the places in arrays: 'layers' of 'layers.0'. */
const nameOf = (path: string) => path.split('.').findLast((part) => !/^\d+$/.test(part)) ?? path

/** In the order in which the model declares them: embeddings before blocks before heads. */
function* walk(owners: Found['owners']): Generator<Found> {
  for (const [path, value] of owners[owners.length - 1].module.holdings()) {
    const name = nameOf(path)
    if (value instanceof Tensor) yield { param: value, key: name, owners }
    else if (!owners.some(({ module }) => module === value)) yield* walk([...owners, { name, module: value }])
  }
}

/** The longest list of modules of one class: the encoder's blocks. */
function stackOf(model: Module): readonly Module[] {
  let longest: readonly Module[] = []
  for (const [, module] of model.namedModules()) {
    const lists = new Map<string, Module[]>()
    for (const [path, child] of module.holdings()) {
      const list = /^(.*\.)?\d+$/.exec(path)
      if (list === null || !(child instanceof Module)) continue
      const [, name = ''] = list
      // A block that stands there several times is one.
      const before = lists.get(name) ?? []
      lists.set(name, before.includes(child) ? before : [...before, child])
    }
    for (const list of lists.values())
      if (list.length > longest.length && list.every((m) => m.constructor === list[0].constructor))
        longest = list
  }
  return longest
}

function isNorm({ key, owners }: Found): boolean {
  const { name, module } = owners[owners.length - 1]
  return module instanceof LayerNorm || /norm$/i.test(name) || /norm$/i.test(key)
}

/** One row a parameter, a shared one once. In a stack of linear layers the last is the head. */
export function parameterTable(model: Module): ParameterRow[] {
  return tableOf('parameterTable', model)
}

function tableOf(op: string, model: Module): ParameterRow[] {
  moduleArg(op, 'model', model)
  const names = new Map(Array.from(model.namedParameters(), ([name, p]) => [p, name]))
  const whole = stackOf(model)
  const stack = whole.at(-1) instanceof Linear ? whole.slice(0, -1) : whole
  const rows = new Map<Tensor, ParameterRow>()
  let above = stack.length === 0
  for (const found of walk([{ name: '', module: model }])) {
    const { param, key, owners } = found
    const layer = owners.reduce((at, { module }) => (at < 0 ? stack.indexOf(module) : at), -1)
    if (layer >= 0) above = true
    if (rows.has(param) || !names.has(param)) continue
    const embeds = owners[owners.length - 1].module instanceof Embedding
    const [part, depth]: [ParameterRow['part'], number] =
      layer >= 0
        ? ['layer', layer + 1]
        : !above || embeds
          ? ['embeddings', 0]
          : owners.some(({ name }) => name === 'pooler')
            ? ['pooler', stack.length + 1]
            : ['head', stack.length + 2]
    const apart = owners[owners.length - 1].module instanceof LearnsApart
    const decays = key !== 'bias' && !apart && !isNorm(found)
    rows.set(param, { name: names.get(param) as string, param, part, depth, decays, apart })
  }
  return [...rows.values()]
}

/** How parameters fall into groups of their own rate and decay. */
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
  /** Multiplies the rate of what learns apart, steps of grids and scores of masks, which never decay. Default 1. */
  apartScale?: number
}

/** All parameters, for an optimizer: frozen ones learn once they are unfrozen. Throws RangeError unless 0 < layerDecay <= 1. */
export function parameterGroups(model: Module, rules: GroupRules): ParameterGroup[] {
  return groupsOf('parameterGroups', model, rules)
}

const groupKinds: Kinds<GroupRules> = {
  ...{ weightDecay: 'finite', layerDecay: 'number', decayAll: 'boolean', apartScale: 'finite' },
}

function groupsOf(op: string, model: Module, rules: GroupRules): ParameterGroup[] {
  const rows = tableOf(op, model)
  const given = optionsArg(op, rules, groupKinds)
  const { layerDecay = 1, decayAll = false, apartScale = 1 } = given
  const weightDecay = finiteArg(op, 'weightDecay', given.weightDecay)
  if (!(layerDecay > 0 && layerDecay <= 1))
    throw new RangeError(`${op}: layerDecay must lie in (0, 1], got ${layerDecay}`)
  const layers = Math.max(0, ...rows.filter((r) => r.part === 'layer').map((r) => r.depth))
  const groups = new Map<string, ParameterGroup & { params: Tensor[] }>()
  for (const { param, depth, decays, apart } of rows) {
    const down = layers + 2 - depth
    const lrScale = (layerDecay === 1 ? 1 : pow(layerDecay, down)) * (apart ? apartScale : 1)
    const decayed = decays || (decayAll && !apart)
    const group = { params: [], lrScale, weightDecay: decayed ? weightDecay : 0 }
    const key = `${lrScale} ${decays} ${apart}`
    const { params } = groups.get(key) ?? group
    groups.set(key, { ...group, params: [...params, param] })
  }
  return [...groups.values()]
}

/** Two groups: weight decay for matrices, none for biases and layer norms, as BERT trains. */
export function decayGroups(model: Module, weightDecay: number): ParameterGroup[] {
  return groupsOf('decayGroups', model, { weightDecay })
}

/** Which parts of a model do not learn. */
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

const freezeKinds: Kinds<FreezeRules> = {
  ...{ embeddings: 'boolean', layers: 'any', allButHead: 'boolean', prefixes: 'any' },
}

/**
 * Parameters that the rules name stop learning: requiresGrad false, no gradient, no optimizer state. Returns their names.
 * Throws RangeError for a prefix that no name has, more layers than there are, a model without a head; nothing is frozen then.
 */
export function freeze(model: Module, rules: FreezeRules): string[] {
  const rows = tableOf('freeze', model)
  const names = Object.keys(freezeKinds).join(', ')
  if (rules === undefined)
    throw new ArgumentError('freeze', 'options are missing', `Give any of { ${names} }`)
  const given = optionsArg('freeze', rules, freezeKinds)
  const { embeddings = false, layers = 0, allButHead = false, prefixes = [] } = given
  if (!Array.isArray(prefixes) || !Array.from(prefixes).every((prefix) => typeof prefix === 'string'))
    throw new ArgumentError('freeze', `prefixes must be a list of strings, got ${got(prefixes)}`)
  const has = (name: string, prefix: string) =>
    name === prefix || name.startsWith(prefix.endsWith('.') ? prefix : `${prefix}.`)
  for (const prefix of prefixes) {
    if (!rows.some((r) => has(r.name, prefix)))
      throw new RangeError(`freeze: no parameter's name begins with ${prefix}, the first is ${rows[0]?.name}`)
  }
  const most = Math.max(0, ...rows.filter((r) => r.part === 'layer').map((r) => r.depth))
  wholeArg('freeze', 'layers', layers, 0, most)
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
