// What sets the models apart that share one encoder: names of parameters and settings, and few differences in what is
// computed. Everything about a family that is not common to all stands in its record, in the folder beside this file.
import { blocksOf, type MisfitField, misfit, type NumberField, type TransformerConfig } from './config.js'
import { albert, electra } from './family/albert.js'
import { bert, distilbert } from './family/bert.js'
import { bilstm } from './family/bilstm.js'
import { debertaV2 } from './family/deberta.js'
import { gpt2 } from './family/gpt2.js'
import { mobilebert } from './family/mobilebert.js'
import { modernbert } from './family/modernbert.js'
import { mpnet } from './family/mpnet.js'
import type { Family, Kind } from './family/record.js'
import { camembert, roberta, xlmRoberta } from './family/roberta.js'

export { type Family, type Kind, kinds, type Stored } from './family/record.js'
export {
  albert,
  bert,
  bilstm,
  camembert,
  debertaV2,
  distilbert,
  electra,
  gpt2,
  mobilebert,
  modernbert,
  mpnet,
  roberta,
  xlmRoberta,
}

const suffixes: Record<Kind, string> = {
  base: 'Model',
  'sequence-classification': 'ForSequenceClassification',
  'masked-lm': 'ForMaskedLM',
  'token-classification': 'ForTokenClassification',
  'question-answering': 'ForQuestionAnswering',
  'causal-lm': 'LMHeadModel',
}

export const families: readonly Family[] = [
  bert,
  distilbert,
  roberta,
  camembert,
  xlmRoberta,
  electra,
  albert,
  mpnet,
  gpt2,
  bilstm,
  modernbert,
  debertaV2,
  mobilebert,
]

/** Width of the tables, or of words alone, that a layer brings to the states' width; null: there is no such layer. */
export function projectedFrom(
  { alwaysProjects, body }: Pick<Family, 'alwaysProjects' | 'body'>,
  { embedding, width, bottleneck }: Pick<TransformerConfig, 'embedding' | 'width' | 'bottleneck'>,
): number | null {
  return alwaysProjects || body === 'lstm' || bottleneck?.neighbours
    ? (embedding ?? width)
    : embedding === width
      ? null
      : embedding
}

/** See misfit(), and what a family's models cannot have besides. */
export function misfitOf(family: Family, c: TransformerConfig): [MisfitField, string] | null {
  const wrong = misfit(c)
  if (wrong !== null) return wrong
  for (const [name, field] of Object.entries(family.settings) as [NumberField, string][]) {
    const fixed = family.fixed[field]
    if (fixed !== undefined && !fixed.includes(c[name]))
      return [
        name,
        `${fixed.join(' or ')}, as in Python (${field})${name === 'padId' ? ': take a tokenizer that fits' : ''}`,
      ]
  }
  if (family.body === 'lstm')
    return c.width % 2 === 0 ? null : ['width', "even: half of it is each direction's"]
  for (const places of ['rotary', 'relative'] as const)
    if ((c[places] !== null) !== (family.places === places))
      return [places, family.places === places ? 'there' : 'null']
  if ((c.bottleneck !== null) !== family.bottlenecks)
    return ['bottleneck', family.bottlenecks ? 'there' : 'null']
  if (family.bottlenecks && (c.embedding ?? 0) > c.width)
    return ['embedding', `at most ${c.width}, the width of its states`]
  if (!family.gated && blocksOf(c).some(({ ranks }) => ranks.gate !== undefined))
    return ['blocks', 'without a rank of a gate, which there is none of']
  if (!Object.hasOwn(family.names, 'project') && projectedFrom(family, c) !== null)
    return ['embedding', `null or ${c.width}, the width of its states`]
  const blocks = blocksOf(c).map((block) => JSON.stringify(block))
  if (family.sharesLayers && new Set(blocks).size > 1)
    return ['blocks', `alike: all layers of ${family.className} are one`]
  if (family.addsDistances && blocksOf(c).some(({ heads }) => heads !== c.heads))
    return ['blocks', `of ${c.heads} heads each: the layers of ${family.className} share a table of them`]
  return null
}

/** Rows of the table of places before that of a text's first word. */
export function placesBefore(
  { placesAfterPad }: Pick<Family, 'placesAfterPad'>,
  { padId }: Pick<TransformerConfig, 'padId'>,
): number {
  return placesAfterPad ? (padId ?? 0) + 1 : 0
}

/** Whether Python's transformers has such models. */
export const isPythons = ({ body }: Pick<Family, 'body'>): boolean => body === 'blocks'

/** What a head is made of, by the file's names; nothing of one that the family has not. */
const headOf = ({ heads }: Family, kind: Kind): Readonly<Record<string, string>> =>
  kind === 'base' ? {} : (heads[kind] ?? {})

/** Whether there are models of this kind. */
export const hasKind = (family: Family, kind: Kind): boolean =>
  kind === 'base' ? family.body === 'blocks' : family.heads[kind] !== undefined

/** What the layer that gives words is called in a file; null: no head of the family has one. */
export const decoderOf = (family: Family): string | null =>
  headOf(family, family.causal ? 'causal-lm' : 'masked-lm').decoder ?? null

/** BertForMaskedLM for bert and 'masked-lm'. */
export function architectureOf(family: Family, kind: Kind): string {
  return family.className + suffixes[kind]
}

/** Whether a head has this part: a pooler of its own, which is not the encoder's, and the like. */
export function headHas(family: Family, kind: Kind, part: string): boolean {
  return Object.hasOwn(headOf(family, kind), part)
}

/** What the layer before a classifier's last, and that, are called in the file of a classifier of texts. */
export function textHeadNames(family: Family): { pooler: string; classifier: string } {
  const { pooler = `${family.prefix}.${family.names.pooler}`, classifier } = headOf(
    family,
    'sequence-classification',
  )
  return { pooler, classifier }
}

/** The layer that gives the classes, of texts or of tokens, or says where answers are. */
export function classesLayer(family: Family, kind: Kind): string {
  const own = kind === 'token-classification' || kind === 'question-answering'
  return own ? headOf(family, kind).classifier : textHeadNames(family).classifier
}

/** The word table, in a model that has a head. */
export const wordTable = ({ prefix, names }: Family) => `${prefix}.${names.words}.weight`

/**
 * A parameter's name in the weight file: `base.layers.3.attention.query.weight` is
 * `bert.encoder.layer.3.attention.self.query.weight` in BERT. What is not of the family keeps its own.
 */
export function nameInFile(family: Family, kind: Kind, own: string, tied: boolean): string {
  const path = own.replace(/^base\./, '')
  const head = kind !== 'base' && path === own
  if (head && tied && path === 'decoder.bias' && family.tiedBias !== null) return family.tiedBias
  // A linear layer of two matrices has their names behind its own.
  const [, module, leaf] = /^(.*?)\.((?:(?:reduce|expand)\.)?[^.]*)$/.exec(path) ?? ['', '', path]
  const numbers = module.match(/\d+/g) ?? []
  const key = module.replace(/\d+/g, '#')
  const names = head ? headOf(family, kind) : family.names
  if (!Object.hasOwn(names, key)) return own
  const prefix = path === own ? '' : `${family.prefix}.`
  return `${prefix}${names[key].replace(/#/g, () => numbers.shift() ?? '')}.${leaf}`
}
