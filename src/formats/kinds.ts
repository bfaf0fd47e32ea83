// What a weight file is of: by config.json's word where the file holds that head, else by the names in it.
import {
  architectureOf,
  classesLayer,
  decoderOf,
  type Family,
  hasKind,
  type Kind,
  textHeadNames,
} from '../nn/models/family.js'
import type { ModelConfig } from './config.js'
import { shown } from './json.js'

/** What one head is told by. Old files of token classifiers have a pooler that nothing uses: their labels are tags. */
function isThere(
  kind: Kind,
  { family, config, kinds, architectures }: ModelConfig,
  names: ReadonlySet<string>,
): boolean {
  const tags = config.labels.includes('O') && config.labels.some((label) => /^[BI]-/.test(label))
  // Its classifier looks like that of one class, and scores answers.
  const choice = architectures.some((name) => name.endsWith('ForMultipleChoice'))
  const has = (layer: string) => names.has(`${layer}.weight`) && !choice
  const { pooler, classifier } = textHeadNames(family)
  // Without a layer before it a classifier of texts looks like one of tokens.
  const alone = config.bottleneck?.pooler === false || family.bareTextHead
  const bare = alone && !kinds.includes('token-classification')
  const texts = has(classifier) && (has(pooler) || bare) && !tags
  const { transform, decoder } = family.heads['masked-lm'] ?? {}
  // Where all heads begin alike, its last layer tells it.
  const words = transform === family.heads['token-classification']?.transform ? decoder : transform
  const rules: Record<Kind, boolean> = {
    base: true,
    'sequence-classification': texts,
    'token-classification': has(classesLayer(family, 'token-classification')) && !texts,
    'question-answering':
      hasKind(family, 'question-answering') && has(classesLayer(family, 'question-answering')),
    'masked-lm': [...names].some((name) => name.startsWith(`${words}.`)),
    // Tied, it is the word table alone.
    'causal-lm': config.tied || has(`${decoderOf(family)}`),
  }
  return hasKind(family, kind) && rules[kind]
}

/** Heads before the encoder alone. */
const inTurn: readonly Kind[] = [
  'sequence-classification',
  'token-classification',
  'question-answering',
  'masked-lm',
  'causal-lm',
  'base',
]

/** Kinds that answer for tokens. */
const ofTokens: readonly Kind[] = ['token-classification', 'question-answering']

export interface FoundKind {
  kind: Kind
  /** For people, where config.json does not say it. */
  notes: string[]
}

/** names: canonical ones. prefer: what is taken where the file holds that head too. */
export function kindIn(read: ModelConfig, names: ReadonlySet<string>, prefer?: Kind): FoundKind {
  const { kinds, family } = read
  const heads = kinds.filter((kind) => kind !== 'base')
  // Their last layers may have one name.
  const other = prefer === 'sequence-classification' && heads.some((kind) => ofTokens.includes(kind))
  if (prefer !== undefined && !other && isThere(prefer, read, names)) return told(prefer, read, family)
  const named =
    heads.find((kind) => isThere(kind, read, names)) ?? (kinds.length === 1 ? kinds[0] : undefined)
  if (named !== undefined) return { kind: named, notes: [] }
  if (kinds.includes('base')) return { kind: 'base', notes: [] }
  const kind = kinds[0] ?? (inTurn.find((k) => isThere(k, read, names)) as Kind)
  return told(kind, read, family)
}

function told(kind: Kind, { kinds, architectures }: ModelConfig, family: Family): FoundKind {
  if (kinds.includes(kind)) return { kind, notes: [] }
  const names =
    architectures.length === 0 ? 'no architecture' : architectures.slice(0, 4).map(shown).join(', ')
  return {
    kind,
    notes: [
      `config.json names ${names}: read as ${architectureOf(family, kind)}, by the names of the weights`,
    ],
  }
}
