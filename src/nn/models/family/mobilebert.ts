// MobileBERT: deep and thin. Blocks compute in a quarter of the states' width, with layers to it and back.
import { bert, defaults } from './bert.js'
import type { Family } from './record.js'

const { positions, types, norm, words, pooler } = bert.names
const layer = 'encoder.layer.#'

/** Sun et al. 2020. */
export const mobilebert: Family = {
  ...bert,
  modelType: 'mobilebert',
  prefix: 'mobilebert',
  className: 'MobileBert',
  bottlenecks: true,
  names: {
    ...{ words, positions, types, norm, pooler },
    project: 'embeddings.embedding_transformation',
    'layers.#.input': `${layer}.bottleneck.input.dense`,
    'layers.#.inputNorm': `${layer}.bottleneck.input.LayerNorm`,
    'layers.#.shared': `${layer}.bottleneck.attention.dense`,
    'layers.#.sharedNorm': `${layer}.bottleneck.attention.LayerNorm`,
    'layers.#.attention.query': `${layer}.attention.self.query`,
    'layers.#.attention.key': `${layer}.attention.self.key`,
    'layers.#.attention.value': `${layer}.attention.self.value`,
    'layers.#.attention.out': `${layer}.attention.output.dense`,
    'layers.#.attentionNorm': `${layer}.attention.output.LayerNorm`,
    'layers.#.networks.n#.up': `${layer}.ffn.#.intermediate.dense`,
    'layers.#.networks.n#.down': `${layer}.ffn.#.output.dense`,
    'layers.#.networks.n#.norm': `${layer}.ffn.#.output.LayerNorm`,
    'layers.#.up': `${layer}.intermediate.dense`,
    'layers.#.down': `${layer}.output.dense`,
    'layers.#.outputNorm': `${layer}.output.LayerNorm`,
    'layers.#.output': `${layer}.output.bottleneck.dense`,
    'layers.#.statesNorm': `${layer}.output.bottleneck.LayerNorm`,
  },
  heads: { ...bert.heads, 'masked-lm': { ...bert.heads['masked-lm'], rest: 'cls.predictions.dense' } },
  // The part of the decoder that no table has.
  stored: { turned: ['predictions.dense'], joined: {}, buffers: /(^|\.)position_ids$/ },
  headNames: /^(mobilebert\.pooler|cls|classifier|qa_outputs)\./,
  settings: { ...bert.settings, embedding: 'embedding_size' },
  defaults: {
    ...defaults,
    ...{ embedding: 128, width: 512, layers: 24, heads: 4, inner: 512, activation: 'relu', dropout: 0 },
    bottleneck: {
      ...{ inside: 128, narrowValues: false, networks: 4 },
      ...{ plainNorms: true, neighbours: true, pooler: true },
    },
  },
}
