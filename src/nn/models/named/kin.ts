// ELECTRA, ALBERT and MPNet by the names that Python's transformers gives them. Settings left out are the defaults there.
import { albert, electra, mpnet } from '../family.js'
import { MaskedWords, SequenceClassifier, TokenClassifier } from '../heads.js'
import type { Settings } from '../pretrained.js'
import { type BaseOptions, Transformer } from '../transformer.js'

/** ELECTRA without a head: BERT whose narrow tables go through a layer. Clark et al. 2020. */
export class Electra extends Transformer {
  constructor(settings: Settings = {}) {
    super(electra, settings)
  }
}

/** Logits [B, labels] from the first token, through a layer and gelu, with dropout before each. */
export class ElectraForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(electra, settings)
  }
}

/** Logits [B, T, vocabSize]: ELECTRA's generator. */
export class ElectraForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(electra, settings)
  }
}

/** Logits [B, T, labels]. */
export class ElectraForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(electra, settings)
  }
}

/** ALBERT without a head: one block for all layers, narrow tables, pooler. Lan et al. 2020. */
export class Albert extends Transformer {
  constructor(settings: Settings = {}, { pooler }: BaseOptions = {}) {
    super(albert, settings, { pooler })
  }
}

/** Logits [B, labels] from the pooled first token. */
export class AlbertForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(albert, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class AlbertForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(albert, settings)
  }
}

/** Logits [B, T, labels]. */
export class AlbertForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(albert, settings)
  }
}

/** MPNet without a head: RoBERTa without types, whose scores also go by the distance of two words. Song et al. 2020. */
export class MPNet extends Transformer {
  constructor(settings: Settings = {}, { pooler }: BaseOptions = {}) {
    super(mpnet, settings, { pooler })
  }
}

/** Logits [B, labels] from the first token, through a layer and tanh, with dropout before each. */
export class MPNetForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(mpnet, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class MPNetForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(mpnet, settings)
  }
}

/** Logits [B, T, labels]. */
export class MPNetForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(mpnet, settings)
  }
}
