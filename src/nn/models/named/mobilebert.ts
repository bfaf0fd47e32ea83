// MobileBERT by the names that Python's transformers gives them. Settings left out are the defaults there.
import { mobilebert } from '../family.js'
import { MaskedWords, SequenceClassifier, TokenClassifier } from '../heads.js'
import type { Settings } from '../pretrained.js'
import { type BaseOptions, Transformer } from '../transformer.js'

/** MobileBERT without a head: blocks between bottlenecks, four inner layers each, norms that only multiply and add. Sun et al. 2020. */
export class MobileBert extends Transformer {
  constructor(settings: Settings = {}, { pooler }: BaseOptions = {}) {
    super(mobilebert, settings, { pooler })
  }
}

/** Logits [B, labels] from the first token, through a layer and tanh where `bottleneck.pooler` says so. */
export class MobileBertForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(mobilebert, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class MobileBertForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(mobilebert, settings)
  }
}

/** Logits [B, T, labels]. */
export class MobileBertForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(mobilebert, settings)
  }
}
