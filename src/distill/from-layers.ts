// A student made of its teacher: some of its layers, and all that stands below and above them.
import { ArgumentError } from '../errors.js'
import { undrawn } from '../nn/init.js'
import { makeModel } from '../nn/models/bert.js'
import { withLayers } from '../nn/models/config.js'
import { bert, distilbert, type Family, type Kind } from '../nn/models/family.js'
import { MaskedWords, NextWords, type SequenceClassifier } from '../nn/models/heads.js'
import type { Pretrained } from '../nn/models/pretrained.js'
import { Dense, Normalize, SentenceEncoder, type SentenceStep } from '../nn/models/sentence.js'
import type { Transformer } from '../nn/models/transformer.js'
import type { Module } from '../nn/module.js'
import { isQuantized } from '../nn/quantized/quantize.js'
import type { Tensor } from '../tensor/tensor.js'
import { layerMap } from './layer-map.js'
import type { Student } from './plan/runner.js'

function check(layers: readonly number[], teacher: Pretrained): void {
  const depth = teacher.config.layers
  if (isQuantized(teacher))
    throw new ArgumentError(
      'from-layers',
      'the teacher is quantized, and its layers do not learn',
      'Take the layers of the float model that it was made of',
    )
  if (!teacher.family.firstNorm && layers.indexOf(0) !== 0)
    throw new RangeError(
      `from-layers: the first layer of a ${teacher.family.className} has no norm before its attention, and no other can stand there. Name layer 0 first, and once`,
    )
  if (!teacher.family.firstNorm && layers.lastIndexOf(0) > 0)
    throw new RangeError(
      `from-layers: layer 0 of a ${teacher.family.className} can stand first alone, it has no norm before its attention. Name it once`,
    )
  const bad = layers.find((i) => !(Number.isInteger(i) && i >= 0 && i < depth))
  if (bad !== undefined || layers.length === 0)
    throw new RangeError(
      `from-layers: ${bad === undefined ? 'names no layer' : `there is no layer ${bad}`}, the teacher has 0 to ${depth - 1}`,
    )
}

/**
 * A classifier with copies of `layers` of the teacher, numbered from 0 and in that order, and of its embeddings, pooler and
 * head. Nothing is shared. Sanh et al. 2019, section 3, take every other layer. Throws RangeError for a layer that is not there.
 */
export function fromLayers(teacher: Student, layers: readonly number[]): Student {
  const { config, family } = teacher
  check(layers, teacher)
  const student = undrawn(() => makeModel(family, teacher.kind, withLayers(config, layers)))
  copyLayers(student, teacher, layers)
  return student.eval() as Pretrained as Student
}

/** Everything of the same name but blocks, of which those of `layers` in turn. */
function copyLayers(student: Pretrained, teacher: Pretrained, layers: readonly number[]): void {
  const layerName = /^(.*(?:\.layers?|(?:^|\.)(?:h|layers))\.)(\d+)(\..*)$/
  const state = teacher.stateDict()
  const chosen = Array.from(student.stateDict().keys(), (name): [string, Tensor] => {
    const [, before, i, after] = layerName.exec(name) ?? []
    const own = i === undefined ? name : `${before}${layers[Number(i)]}${after}`
    return [name, state.get(own) as Tensor]
  })
  student.loadStateDict(new Map(chosen))
}

/** A sentence encoder of `layers` of another one, with its pooling and all that follows. Nothing is shared. Throws RangeError. */
export function sentenceFromLayers(teacher: SentenceEncoder, layers: readonly number[]): SentenceEncoder {
  const { base, family, config, pooling } = teacher
  check(layers, teacher)
  const pooler = base.pooler !== null
  const student = undrawn(() => {
    const own = makeModel(family, 'base', withLayers(config, layers), { pooler }) as Transformer
    return new SentenceEncoder(own, { pooling, steps: teacher.steps.map(likeStep) })
  })
  copyLayers(student, teacher, layers)
  return student.eval()
}

/** A step of the same sizes, its numbers not yet copied. */
function likeStep(step: SentenceStep): SentenceStep {
  if (step instanceof Normalize) return new Normalize()
  const { inFeatures, outFeatures, bias } = step.linear
  return new Dense(inFeatures, outFeatures, step.activation, { bias: bias !== null })
}

/** Half of the teacher's layers, from the first to the last: 0, 2, 4, 7, 9, 11 of 12. */
export function distilbertLayers(depth: number): number[] {
  const student = Math.max(1, Math.floor(depth / 2))
  return layerMap('distilbert', { student, teacher: depth }).attention.map(([, t]) => t)
}

/** A DistilBERT has BERT's tables and places; of a RoBERTa comes a smaller RoBERTa, as DistilRoBERTa is. */
const halfOf = (family: Family) => (family === bert ? distilbert : family)

/**
 * A DistilBERT, without token types and pooler, with copies of `layers` of the teacher, of its words, positions and their norm,
 * and as 'masked-lm' or 'causal-lm' of its head, if it has one. A classifier's head is drawn from the random scope. Sanh et al. 2019, section
 * 3; which layers: its code, extract_distilbert.py. Throws RangeError for a layer that is not there.
 */
export function distilbertOf(
  teacher: Student,
  layers: readonly number[],
  kind: Exclude<Kind, 'base'>,
  labels: readonly string[],
): Student {
  const { config } = teacher
  check(layers, teacher)
  const family = halfOf(teacher.family)
  const { headDropout, tokenTypes } = family === distilbert ? distilbert.defaults : config
  const own = { tokenTypes, headDropout, labels, extra: new Map() }
  const settings = { ...withLayers(config, layers), ...own }
  const student = makeModel(family, kind, settings)
  const [from, to] = [teacher, student].map((m) => (m as SequenceClassifier | MaskedWords).base)
  copy(from.words, to.words)
  for (const part of optionalParts) {
    const [old, own] = [from[part], to[part]]
    if (old !== null && own !== null) copy(old, own)
  }
  for (const [i, layer] of layers.entries()) copy(from.layers[layer], to.layers[i])
  if (student instanceof MaskedWords && teacher instanceof MaskedWords)
    for (const part of ['transform', 'transformNorm', 'decoder', 'rest'] as const) {
      const [old, own] = [teacher[part], student[part]]
      if (old !== null && own !== null) copy(old, own)
    }
  if (student instanceof NextWords && teacher instanceof NextWords) copy(teacher.decoder, student.decoder)
  return student.eval() as Pretrained as Student
}

/** What stands around the blocks, in families that have it. */
const optionalParts = [
  ...(['positions', 'types', 'norm', 'project', 'positionBias', 'relative', 'finalNorm'] as const),
]

const copy = (from: Module, to: Module) => to.loadStateDict(from.stateDict())
