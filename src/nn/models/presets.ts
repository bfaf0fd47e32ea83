// Models by name, to be trained from scratch: the sizes that papers use.
import { bert, bilstm, distilbert, type Family, gpt2 } from './family.js'
import type { Settings } from './pretrained.js'

export interface Preset {
  family: Family
  settings: Settings
}

/** BERT of a size; the inner layer is 4 times as wide, heads are 64 wide: Turc et al. 2019, "Well-Read Students". */
const sized = (layers: number, width: number): Preset => ({
  family: bert,
  settings: { layers, width, heads: width / 64, inner: 4 * width },
})

/**
 * Each takes the vocabulary that is built for it. Jiao et al. 2019 (tinybert), Wang et al. 2020 (minilm), Sanh et al. 2019,
 * Tang et al. 2019 (bilstm).
 */
export const presets = {
  tiny: sized(2, 128),
  slim: sized(3, 192),
  mini: sized(4, 256),
  small: sized(4, 512),
  medium: sized(8, 512),
  base: sized(12, 768),
  'tinybert-4l-312': { family: bert, settings: { layers: 4, width: 312, heads: 12, inner: 1200 } },
  'minilm-6l-384': { family: bert, settings: { layers: 6, width: 384, heads: 12, inner: 1536 } },
  distilgpt2: { family: gpt2, settings: { layers: 6, width: 768, heads: 12, inner: 3072 } },
  distilbert: { family: distilbert, settings: { layers: 6, width: 768, heads: 12, inner: 3072 } },
  bilstm: { family: bilstm, settings: { embedding: 300, width: 300, inner: 200 } },
  'bilstm-300': { family: bilstm, settings: { embedding: 300, width: 600, inner: 400 } },
} satisfies Record<string, Preset>

/** Of one of `presets`. */
export type PresetName = keyof typeof presets

export function isPreset(name: string): name is PresetName {
  return Object.hasOwn(presets, name)
}
