// What the logits of a text classifier mean, by its config.json: as Python's pipeline and sentence-transformers answer.
import type { ProblemType, TransformerConfig } from '../nn/models/config.js'
import { shown } from './json.js'

export interface Head {
  /** One class a text by softmax, a yes or no to each by sigmoid, or numbers as they are. */
  problemType: ProblemType
  /** What people should know of how that was found out; null where config.json says it. */
  note: string | null
}

/** Where sentence-transformers keeps the function of its cross-encoders: the older field first. */
export const activationFields = ['sbert_ce_default_activation_function', 'sentence_transformers'] as const

/** The Python class that config.json names, without its module; null where it names none. */
function activationIn({ extra }: Pick<TransformerConfig, 'extra'>): string | null {
  const [old, own] = activationFields.map((field) => extra.get(field))
  const inner =
    typeof own === 'object' && own !== null && !Array.isArray(own) ? new Map(Object.entries(own)) : null
  const name = inner?.get('activation_fn') ?? old ?? null
  return name === null ? null : String(name).replace(/^.*\./s, '')
}

/**
 * The task of a head. A sigmoid or, of one label, none that sentence-transformers' field names goes first, then
 * problem_type. One label without either is answered by a sigmoid, as Python does. `fail` is told of a function that is
 * not known.
 */
export function headOf(
  config: Pick<TransformerConfig, 'labels' | 'problemType' | 'extra'>,
  fail: (reason: string) => never,
): Head {
  const { labels, problemType } = config
  const name = activationIn(config)
  const one = labels.length === 1
  if (name !== null && !['Sigmoid', 'Identity', 'Softmax'].includes(name))
    return fail(
      `names the activation ${shown(name)} for its answers, Sigmoid, Identity and Softmax are known`,
    )
  if (name === 'Sigmoid') return { problemType: 'multi_label_classification', note: null }
  if (name === 'Identity' && one) return { problemType: 'regression', note: null }
  if (problemType === 'regression' || problemType === 'multi_label_classification')
    return { problemType, note: null }
  if (!one) return { problemType: 'single_label_classification', note: null }
  return {
    problemType: 'multi_label_classification',
    note: `config.json does not say what its one value means: it is taken as a logit, and answered by its sigmoid, as Python's pipeline does. Where it is the number itself, write "problem_type": "regression" there`,
  }
}
