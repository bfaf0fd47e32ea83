// ModernBERT by the names that Python's transformers gives it. Settings left out are the defaults there.
import { modernbert } from '../family.js'
import { MaskedWords, SequenceClassifier, TokenClassifier } from '../heads.js'
import type { Settings } from '../pretrained.js'
import { Transformer } from '../transformer.js'

/** ModernBERT without a head: rotary places, layers that see near words alone, gated inner layers. Warner et al. 2024. */
export class ModernBert extends Transformer {
  constructor(settings: Settings = {}) {
    super(modernbert, settings)
  }
}

/** Logits [B, labels] from the first token, or the mean of all, through a layer, gelu and a norm. */
export class ModernBertForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(modernbert, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class ModernBertForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(modernbert, settings)
  }
}

/** Logits [B, T, labels], through a layer, gelu and a norm. */
export class ModernBertForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(modernbert, settings)
  }
}
