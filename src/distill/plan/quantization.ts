// How a stage's student is quantized while it is trained: the scheme, its bits, and how fast learned steps learn.
import { DataError } from '../../errors.js'
import type { HeadModel } from '../../nn/models/pretrained.js'
import {
  type Quantization,
  quantizationIn,
  quantizationOf,
  quantizeAware,
} from '../../nn/quantize-aware/prepare.js'
import { type Scheme, type SchemeName, schemeNames, schemes } from '../../nn/quantize-aware/schemes.js'
import { plainAgain } from '../../nn/stand-ins/ready.js'
import {
  type Given,
  numberOrNone,
  objectAt,
  oneOf,
  type Values,
  wholeOrNone,
  withSettings,
} from './settings.js'

export interface StageQuantization extends Quantization {
  /** Of steps that are learned; null: as all others learn. */
  stepLr: number | null
}

/** BinaryBERT's clip_lr. */
const STEP_LR = 1e-4

const bits = wholeOrNone(2, 8)

/** As plans and --config name them; null is the scheme's own. */
export const quantizeSettings = {
  scheme: oneOf(schemeNames, 'int8'),
  weightBits: bits,
  inputBits: bits,
  stepLr: { ...numberOrNone(0, 10), fallback: STEP_LR },
}

const fallbacks: Values<typeof quantizeSettings> = {
  ...{ scheme: 'int8', weightBits: null, inputBits: null, stepLr: STEP_LR },
}

/** A scheme with its bits and rate, by what of them is given. Throws RangeError. */
export function stageQuantization(
  scheme: SchemeName,
  given: Partial<Omit<Values<typeof quantizeSettings>, 'scheme'>> = {},
): StageQuantization {
  const { weightBits, inputBits, stepLr } = { ...fallbacks, ...given }
  const asked = { weightBits: weightBits ?? undefined, inputBits: inputBits ?? undefined }
  return { ...quantizationOf(scheme, asked), stepLr }
}

/** What --config says: a scheme's name, settings, or null for none. Throws DataError that names the setting. */
export function quantizeAt(file: string, where: string, value: unknown): StageQuantization | null {
  if (value === null) return null
  const given: Given = typeof value === 'string' ? { scheme: value } : objectAt(file, where, value)
  const { scheme, ...rest } = withSettings(quantizeSettings, fallbacks, given, { file, where: `${where}.` })
  try {
    return stageQuantization(scheme, rest)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError(file, `${where}: ${error.message}`)
  }
}

/** For people: 'lsq, steps of weights and inputs are learned (weights 4 bits, inputs 8)'. */
export function describeQuantization({ scheme, weightBits, inputBits, stepLr }: StageQuantization): string {
  const { describe }: Scheme = schemes[scheme]
  const counted = weightBits === null ? [] : [`weights ${weightBits} bits`]
  const rate = scheme === 'lsq' && stepLr !== null ? [`lr of steps ${stepLr}`] : []
  return `${scheme}, ${describe} (${[...counted, `inputs ${inputBits} bits`, ...rate].join(', ')})`
}

/** Makes a model ready for a stage: one that goes on by the same scheme stays as it is, by another its latent weights go on. */
export function quantizeFor(model: HeadModel, wanted: StageQuantization | null): void {
  const now = quantizationIn(model)
  const same =
    now?.scheme === wanted?.scheme &&
    now?.weightBits === wanted?.weightBits &&
    now?.inputBits === wanted?.inputBits
  if (same) return
  if (now !== null) plainAgain(model)
  if (wanted === null) return
  const { scheme, weightBits, inputBits } = wanted
  quantizeAware(model, scheme, { weightBits: weightBits ?? undefined, inputBits })
}
