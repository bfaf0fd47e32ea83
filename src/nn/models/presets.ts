// Models by name, to be trained from scratch: the sizes that papers use.
import { bert, bilstm, distilbert, type Family, gpt2 } from './family.js'
import type { Settings } from './pretrained.js'

export interface Preset {
  family: Family
  settings: Settings
}

/** Widths of sizes go in steps of it. */
export const HEAD = 32

/**
 * BERT of a size; the inner layer is 4 times as wide, heads are 64 wide: Turc et al. 2019, "Well-Read Students". Of widths
 * between, heads are 32 wide.
 */
const sized = (layers: number, width: number): Preset => ({
  family: bert,
  settings: { layers, width, heads: width / (width % 64 === 0 ? 64 : HEAD), inner: 4 * width },
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

function isPreset(name: string): name is PresetName {
  return Object.hasOwn(presets, name)
}

/** The name of a size between presets, as Turc et al. write theirs: L-3_H-160. width: a multiple of HEAD. */
export const sizeName = (layers: number, width: number): string => `L-${layers}_H-${width}`

/** One of `presets`, or a size that is said by its layers and width: L-3_H-160; null: neither. */
export function presetOf(name: string): Preset | null {
  if (isPreset(name)) return presets[name]
  const [layers, width] = (/^L-([1-9]\d{0,2})_H-([1-9]\d{0,4})$/.exec(name) ?? []).slice(1).map(Number)
  return width === undefined || width % HEAD !== 0 ? null : sized(layers, width)
}

/** For help texts and errors. */
export const presetNames = `${Object.keys(presets).join(', ')}, or layers and width as in L-3_H-160`
