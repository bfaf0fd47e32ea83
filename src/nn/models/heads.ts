// The heads on a transformer encoder: one class a text or a number, one class a token, and masked words.
import { add } from '../../autograd/ops/elementwise/arithmetic.js'
import { indexSelect } from '../../autograd/ops/indexing/rows.js'
import { narrow } from '../../autograd/ops/shape/parts.js'
import { reshape } from '../../autograd/ops/shape/views.js'
import type { Tensor } from '../../tensor/tensor.js'
import { activated } from '../encoder.js'
import { KeyValues } from '../key-values.js'
import { Dropout, LayerNorm, Linear } from '../layers.js'
import { fits, limits, type TransformerConfig, tableWidth } from './config.js'
import { type Family, headHas } from './family.js'
import type { ModelInput } from './input.js'
import { firstTokens, lastWords, meanOfTokens, PAD_FIELD } from './pooling.js'
import { type HeadOutput, Pretrained, type Settings, type Wanted } from './pretrained.js'
import { pooled, Transformer } from './transformer.js'

/** How a text's state comes out of its tokens'. */
const textStates = { cls: firstTokens, mean: meanOfTokens, last: lastWords } as const

/** Logits [B, labels], from the first token's state, or where the config says so the last word's or the mean of all. With one label it is a regression: its logit is the number. */
export class SequenceClassifier extends Pretrained {
  readonly kind = 'sequence-classification'
  base: Transformer
  /** In families whose head does not take the encoder's. */
  pooler: Linear | null
  poolerNorm: LayerNorm | null
  drop: Dropout
  classifier: Linear

  constructor(family: Family, settings: Settings) {
    super(family, settings)
    const { width, eps, std, dropout, headDropout, labels } = this.config
    const pooler = headHas(family, this.kind, 'pooler')
    this.base = new Transformer(family, settings, { pooler: !pooler })
    const bias = family.biases
    this.pooler = pooler ? new Linear(width, width, { std, bias }) : null
    this.poolerNorm = headHas(family, this.kind, 'poolerNorm') ? new LayerNorm(width, { eps, bias }) : null
    const bare = family.bareTextHead
    this.drop = new Dropout(bare ? 0 : (headDropout ?? dropout))
    this.classifier = new Linear(width, labels.length, { std, bias: !bare })
  }

  /** As the encoder's, and logits. Throws ArgumentError for padded texts of which config.json does not say what padding is. */
  forward(input: ModelInput, want: Wanted = {}): HeadOutput {
    const out = this.base.forward(input, want)
    const text = out.pooled ?? this.#pool(out.lastHiddenState, input)
    return { ...out, logits: this.classifier.forward(this.drop.forward(text)) }
  }

  #pool(h: Tensor, input: ModelInput): Tensor {
    const { textState, extra } = this.config
    const states = textStates[textState](h, input, extra.get(PAD_FIELD))
    if (this.pooler === null) return states
    const text = pooled(
      this.pooler,
      this.family.dropBeforePooler ? this.drop.forward(states) : states,
      this.family,
    )
    return this.poolerNorm?.forward(text) ?? text
  }
}

/** [B, T, C] or [N, C] -> [M, C]: those of some tokens, counted through all texts; all as they are where none are named. */
const statesAt = (h: Tensor, at: Tensor | undefined): Tensor =>
  at === undefined ? h : indexSelect(reshape(h, [-1, h.shape[h.rank - 1]]), 0, at)

/** Logits [B, T, labels], unpadded [N, labels], or of the tokens that the input asks for, [M, labels]. */
export class TokenClassifier extends Pretrained {
  readonly kind: 'token-classification' | 'question-answering'
  base: Transformer
  /** In families whose head has more than the classes' layer: one with its activation, and a norm. */
  transform: Linear | null
  transformNorm: LayerNorm | null
  drop: Dropout
  classifier: Linear

  constructor(family: Family, settings: Settings, kind: TokenClassifier['kind'] = 'token-classification') {
    super(family, settings)
    this.kind = kind
    const { width, eps, std, dropout, headDropout, labels } = this.config
    this.base = new Transformer(family, settings, { pooler: false })
    const whole = headHas(family, kind, 'transform')
    const bias = family.biases
    this.transform = whole ? new Linear(width, width, { std, bias }) : null
    this.transformNorm = whole ? new LayerNorm(width, { eps, bias }) : null
    const [own, ofHead] = [spanDropout(family, this.config), headDropout ?? dropout]
    const ofTokens = family.tokensUseHeadDropout ? ofHead : dropout
    this.drop = new Dropout(kind === 'token-classification' ? ofTokens : own === 'head' ? ofHead : own)
    this.classifier = new Linear(width, labels.length, { std })
  }

  /** As the encoder's, and logits. Throws RangeError for places in the input's `at` that are not there. */
  forward(input: ModelInput, want: Wanted = {}): HeadOutput {
    const out = this.base.forward(input, want)
    const h = transformed(this, statesAt(out.lastHiddenState, input.at))
    return { ...out, logits: this.classifier.forward(this.drop.forward(h)) }
  }
}

/** Where config.json says how much, in DistilBERT's word for it, that. */
function spanDropout({ spanDropout: usual }: Family, { extra }: TransformerConfig): Family['spanDropout'] {
  const asked = extra.get('qa_dropout')
  return typeof usual === 'number' && fits(asked, limits.dropout) ? (asked as number) : usual
}

/**
 * Logits [B, T, 2], unpadded [N, 2], or of the tokens that the input asks for, [M, 2]: how likely each is the first of an answer, and
 * how likely the last. transformers' start_logits and end_logits are its two columns.
 */
export class SpanClassifier extends TokenClassifier {
  constructor(family: Family, settings: Settings) {
    super(family, settings, 'question-answering')
  }
}

/** States through a head's layer, with its activation, and its norm, where it has them. */
function transformed(
  { transform, transformNorm, family, config }: TokenClassifier | MaskedWords,
  h: Tensor,
): Tensor {
  if (transform === null || transformNorm === null) return h
  return transformNorm.forward(activated(transform, h, family.wordActivation ?? config.activation))
}

/** What a model of words is to give besides. */
export interface WantedWords extends Wanted {
  /** int32 [M]: only these words are predicted, counted through all texts, row b and place t of padded ones as b T + t. */
  at?: Tensor | undefined
}

/** Logits [B, T, vocabSize], unpadded [N, vocabSize], or with `at` [M, vocabSize]. */
export class MaskedWords extends Pretrained {
  readonly kind = 'masked-lm'
  base: Transformer
  transform: Linear
  transformNorm: LayerNorm
  /** Its weight is the word table, where the config says tied. */
  decoder: Linear
  /** Of states wider than the table, in families that predict with all of them: what is beyond its width. */
  rest: Linear | null

  constructor(family: Family, settings: Settings) {
    super(family, settings)
    const { width, vocabSize, eps, std, tied } = this.config
    this.base = new Transformer(family, settings, { pooler: false })
    const own = tableWidth(this.config)
    const rest = headHas(family, this.kind, 'rest') ? width - own : 0
    const bias = family.biases
    this.transform = new Linear(width, own + rest, { std, bias })
    this.transformNorm = new LayerNorm(own + rest, { eps, bias })
    this.decoder = new Linear(own, vocabSize, { std, weight: tied ? this.base.words.weight : undefined })
    this.rest = rest > 0 ? new Linear(rest, vocabSize, { std, bias: false }) : null
  }

  /** As the encoder's, and logits. Throws RangeError for places in `at` that are not there. */
  forward(input: ModelInput, { at, ...want }: WantedWords = {}): HeadOutput {
    const out = this.base.forward(input, want)
    const h = transformed(this, statesAt(out.lastHiddenState, at))
    return { ...out, logits: this.#words(h) }
  }

  #words(h: Tensor): Tensor {
    if (this.rest === null) return this.decoder.forward(h)
    const own = tableWidth(this.config)
    const part = (from: number, length: number) => narrow(h, -1, from, length)
    return add(this.decoder.forward(part(0, own)), this.rest.forward(part(own, h.shape[h.rank - 1] - own)))
  }
}

/** Logits [B, T, vocabSize] of the words behind each word, unpadded [N, vocabSize], or with `at` [M, vocabSize]. */
export class NextWords extends Pretrained {
  readonly kind = 'causal-lm'
  base: Transformer
  /** Its weight is the word table, where the config says tied. */
  decoder: Linear

  constructor(family: Family, settings: Settings) {
    super(family, settings)
    const { width, vocabSize, std, tied } = this.config
    this.base = new Transformer(family, settings, { pooler: false })
    const weight = tied ? this.base.words.weight : undefined
    this.decoder = new Linear(width, vocabSize, { bias: false, std, weight })
  }

  /** For forward(): of one batch of texts, with room for so many words of each, by default as many as the model takes. */
  newCache(room = this.config.maxLength): KeyValues[] {
    return this.base.layers.map(() => new KeyValues(room))
  }

  /** As the encoder's, and logits. Throws RangeError for places in `at` that are not there. */
  forward(input: ModelInput, { at, ...want }: WantedWords = {}): HeadOutput {
    const out = this.base.forward(input, want)
    const h = statesAt(out.lastHiddenState, at)
    return { ...out, logits: this.decoder.forward(h) }
  }
}
