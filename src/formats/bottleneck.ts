// What config.json says of blocks between bottlenecks: MobileBERT's. Hostile until checked.
import {
  type Bottleneck,
  bottleneckLimits,
  limits,
  type TransformerConfig,
  widthsOf,
} from '../nn/models/config.js'
import type { Fields } from './fields.js'

const [USED, INSIDE, NARROW, SHARED] = [
  ...(['use_bottleneck', 'intra_bottleneck_size', 'use_bottleneck_attention'] as const),
  'key_query_shared_bottleneck',
] as const
const [NETWORKS, NORMS, NEIGHBOURS, POOLER] = [
  ...(['num_feedforward_networks', 'normalization_type', 'trigram_input', 'classifier_activation'] as const),
] as const
/** What follows from the others; Python takes no notice of it. */
const FOLLOWS = 'true_hidden_size'

/** By whether they only multiply and add. */
const norms = { no_norm: true, layer_norm: false } as const

/** What these functions read and write. Other families' config.json has none of them. */
export const bottleneckFields: readonly string[] = [
  ...[USED, INSIDE, NARROW, SHARED, NETWORKS, NORMS, NEIGHBOURS, POOLER, FOLLOWS],
]

/** Of families that have bottlenecks. Throws CheckpointError. */
export function bottleneckIn(given: Fields, defaults: Bottleneck): Bottleneck {
  const flag = (field: string, usual: boolean) => given.oneOf(field, [true, false], usual)
  const inside = given.number(INSIDE, limits.width, defaults.inside)
  const used = flag(USED, defaults.inside !== null)
  const narrowValues = flag(NARROW, defaults.narrowValues)
  const usual = defaults.plainNorms ? 'no_norm' : 'layer_norm'
  // Python ends with matrices that do not fit.
  if (!flag(SHARED, true) && used && !narrowValues)
    given.refuse(SHARED, `true, where ${NARROW} is false`, 'Set one of the two')
  return {
    inside: used ? inside : null,
    narrowValues: used && narrowValues,
    networks: given.number(NETWORKS, bottleneckLimits.networks, defaults.networks) as number,
    plainNorms: norms[given.oneOf(NORMS, ['no_norm', 'layer_norm'] as const, usual)],
    neighbours: flag(NEIGHBOURS, defaults.neighbours),
    pooler: flag(POOLER, defaults.pooler),
  }
}

/** The fields for config.json. */
export function bottleneckOut(
  config: Pick<TransformerConfig, 'width' | 'bottleneck'>,
): Record<string, unknown> {
  const { bottleneck } = config
  if (bottleneck === null) return {}
  const { inside } = widthsOf(config)
  return {
    ...{ [USED]: bottleneck.inside !== null, [INSIDE]: inside, [FOLLOWS]: inside },
    // Queries and keys of what is inside have no layer of their own.
    ...{
      [NARROW]: bottleneck.narrowValues,
      [SHARED]: !bottleneck.narrowValues,
    },
    ...{ [NETWORKS]: bottleneck.networks, [NORMS]: bottleneck.plainNorms ? 'no_norm' : 'layer_norm' },
    ...{ [NEIGHBOURS]: bottleneck.neighbours, [POOLER]: bottleneck.pooler },
  }
}
