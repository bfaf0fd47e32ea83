// What config.json says of places that no table has: how words turn and which layers see near ones alone (ModernBERT), and
// which distances have scores of their own (DeBERTa). Hostile until checked.
import {
  nearLayers,
  type Relative,
  type Rotary,
  relativeLimits,
  rotaryLimits,
  type TransformerConfig,
} from '../nn/models/config.js'
import type { Fields } from './fields.js'

/** Of a layer that sees all words, and of one that sees near ones; transformers 5 names each layer's. */
const KINDS = ['full_attention', 'sliding_attention'] as const

/** The angles by transformers 4, and by 5, of each kind of layer. */
const THETAS = ['global_rope_theta', 'local_rope_theta'] as const
const [EVERY, WINDOW, LAYERS, ANGLES] = [
  ...(['global_attn_every_n_layers', 'local_attention', 'layer_types', 'rope_parameters'] as const),
]
const [BUCKETS, FARTHEST] = ['position_buckets', 'max_relative_positions'] as const

/** What these functions read and write. */
export const placesFields: readonly string[] = [...THETAS, EVERY, WINDOW, LAYERS, ANGLES, BUCKETS, FARTHEST]

type Places = Pick<TransformerConfig, 'rotary' | 'relative'>

/** Of families that have them. Throws CheckpointError. */
export function placesIn(given: Fields, defaults: Places, layers: number): Places {
  return {
    rotary: defaults.rotary && rotaryIn(given, defaults.rotary, layers),
    relative: defaults.relative && relativeIn(given, defaults.relative),
  }
}

function rotaryIn(given: Fields, defaults: Rotary, layers: number): Rotary {
  const every = given.number(EVERY, rotaryLimits.every, defaults.every) as number
  const window = given.number(WINDOW, rotaryLimits.window, defaults.window) as number
  const thetas = THETAS.map((field, i) => {
    const usual = i === 0 ? defaults.theta : defaults.nearTheta
    // Python looks here first.
    return thetaIn(given, KINDS[i]) ?? (given.number(field, rotaryLimits.theta, usual) as number)
  })
  const [theta, nearTheta] = thetas
  const rotary = { theta, nearTheta, window, every, near: null }
  if ((given.get(LAYERS) ?? null) === null) return rotary
  const named = given.list(LAYERS)
  const near = named.map((kind) => kind === KINDS[1])
  if (named.length !== layers || named.some((kind, i) => !near[i] && kind !== KINDS[0]))
    given.refuse(LAYERS, `a list of ${layers}, each ${KINDS.join(' or ')}`)
  const usual = nearLayers({ rotary, layers }).join() === near.join()
  return { ...rotary, near: usual ? null : near }
}

/** What transformers 5 writes of a kind of layer; null: nothing. */
function thetaIn(given: Fields, kind: (typeof KINDS)[number]): number | null {
  if ((given.get(ANGLES) ?? null) === null) return null
  const all = given.inner(ANGLES)
  if ((all.get(kind) ?? null) === null) return null
  const own = all.inner(kind)
  own.oneOf('rope_type', ['default'], 'default')
  return own.number('rope_theta', { ...rotaryLimits.theta, optional: true }, null)
}

function relativeIn(given: Fields, defaults: Relative): Relative {
  const buckets = given.number(BUCKETS, relativeLimits.buckets) as number
  // As Python has it: whatever is below 1 stands for the longest text.
  const none = [undefined, -1, 0].includes(given.get(FARTHEST) as number | undefined)
  return {
    ...{ ...defaults, buckets },
    farthest: none ? null : given.number(FARTHEST, relativeLimits.farthest),
  }
}

/** The fields for config.json, as transformers 4 and 5 read them. */
export function placesOut({
  rotary,
  relative,
  layers,
}: Places & { layers: number }): Record<string, unknown> {
  if (relative !== null) return { [BUCKETS]: relative.buckets, [FARTHEST]: relative.farthest ?? -1 }
  if (rotary === null) return {}
  const thetas = [rotary.theta, rotary.nearTheta]
  return {
    ...Object.fromEntries(THETAS.map((field, i) => [field, thetas[i]])),
    ...{ [EVERY]: rotary.every, [WINDOW]: rotary.window },
    [LAYERS]: nearLayers({ rotary, layers }).map((near) => KINDS[Number(near)]),
    [ANGLES]: Object.fromEntries(
      KINDS.map((kind, i) => [kind, { rope_theta: thetas[i], rope_type: 'default' }]),
    ),
  }
}
