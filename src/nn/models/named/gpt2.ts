// GPT-2 by the names that Python's transformers gives it. Settings left out are the defaults there.
import { gpt2 } from '../family.js'
import { NextWords, SequenceClassifier, TokenClassifier } from '../heads.js'
import type { Settings } from '../pretrained.js'
import { Transformer } from '../transformer.js'

/** GPT-2 without a head: words see those before them alone, norms stand before each part. Radford et al. 2019. */
export class Gpt2 extends Transformer {
  constructor(settings: Settings = {}) {
    super(gpt2, settings)
  }
}

/** Logits [B, T, vocabSize] of the word behind each. generate() writes with it. */
export class Gpt2LMHeadModel extends NextWords {
  constructor(settings: Settings = {}) {
    super(gpt2, settings)
  }
}

/** Logits [B, labels] from the last word, which has seen all others; see lastWords() for what that is. */
export class Gpt2ForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(gpt2, settings)
  }
}

/** Logits [B, T, labels]. */
export class Gpt2ForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(gpt2, settings)
  }
}
