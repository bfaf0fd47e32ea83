// Models that find answers in texts, by the names that Python's transformers gives them. Settings left out are the defaults there.
import {
  albert,
  bert,
  debertaV2,
  distilbert,
  electra,
  type Family,
  mobilebert,
  modernbert,
  mpnet,
  roberta,
} from '../family.js'
import { SpanClassifier } from '../heads.js'
import type { Settings } from '../pretrained.js'

/** Logits [B, T, 2]: where an answer begins and where it ends. Devlin et al. 2018, section 4.2. */
export class BertForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(bert, settings)
  }
}

/** Logits [B, T, 2], with dropout before the layer that gives them. */
export class DistilBertForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(distilbert, settings)
  }
}

/** Logits [B, T, 2]. */
export class RobertaForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}, { family = roberta }: { family?: Family | undefined } = {}) {
    super(family, settings)
  }
}

/** Logits [B, T, 2]. */
export class ElectraForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(electra, settings)
  }
}

/** Logits [B, T, 2]. */
export class AlbertForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(albert, settings)
  }
}

/** Logits [B, T, 2]. */
export class MPNetForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(mpnet, settings)
  }
}

/** Logits [B, T, 2]. */
export class MobileBertForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(mobilebert, settings)
  }
}

/** Logits [B, T, 2], through a layer, gelu and a norm. */
export class ModernBertForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(modernbert, settings)
  }
}

/** Logits [B, T, 2]. */
export class DebertaV2ForQuestionAnswering extends SpanClassifier {
  constructor(settings: Settings = {}) {
    super(debertaV2, settings)
  }
}
