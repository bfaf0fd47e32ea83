// DeBERTa-v2 and v3 by the names that Python's transformers gives them. Settings left out are the defaults there, which are a
// v2-xlarge's.
import { debertaV2 } from '../family.js'
import { MaskedWords, SequenceClassifier, TokenClassifier } from '../heads.js'
import type { Settings } from '../pretrained.js'
import { Transformer } from '../transformer.js'

/** DeBERTa-v3 without a head: scores between words, and between words and distances. He et al. 2021. */
export class DebertaV2 extends Transformer {
  constructor(settings: Settings = {}) {
    super(debertaV2, settings)
  }
}

/** Logits [B, labels] from the first token, through a layer and gelu. */
export class DebertaV2ForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(debertaV2, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class DebertaV2ForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(debertaV2, settings)
  }
}

/** Logits [B, T, labels]. */
export class DebertaV2ForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(debertaV2, settings)
  }
}
