// The models by the names that Python's transformers gives them. Settings left out are the defaults there.
import { bert, distilbert, type Family, type Kind } from './family.js'
import { MaskedWords, SequenceClassifier, TokenClassifier } from './heads.js'
import type { Pretrained, Settings } from './pretrained.js'
import { type BaseOptions, Transformer } from './transformer.js'

/** BERT without a head: embeddings, blocks, pooler. Parameters as in BertModel, without a prefix. */
export class Bert extends Transformer {
  constructor(settings: Settings = {}, options: BaseOptions = {}) {
    super(bert, settings, options)
  }
}

/** Logits [B, labels] from the pooled first token. */
export class BertForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(bert, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class BertForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(bert, settings)
  }
}

/** Logits [B, T, labels]. */
export class BertForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(bert, settings)
  }
}

/** DistilBERT without a head: BERT without token types and pooler. Sanh et al. 2019. */
export class DistilBert extends Transformer {
  constructor(settings: Settings = {}) {
    super(distilbert, settings)
  }
}

/** Logits [B, labels] from the first token, through a layer and relu. */
export class DistilBertForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}) {
    super(distilbert, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class DistilBertForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}) {
    super(distilbert, settings)
  }
}

/** Logits [B, T, labels]. */
export class DistilBertForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}) {
    super(distilbert, settings)
  }
}

/** What each kind of model is, whatever its family. */
export interface ModelOf {
  base: Transformer
  'sequence-classification': SequenceClassifier
  'masked-lm': MaskedWords
  'token-classification': TokenClassifier
}

type Make = (settings: Settings, options: BaseOptions) => Pretrained

const makers: Record<Family['modelType'], Record<Kind, Make>> = {
  bert: {
    base: (settings, options) => new Bert(settings, options),
    'sequence-classification': (settings) => new BertForSequenceClassification(settings),
    'masked-lm': (settings) => new BertForMaskedLM(settings),
    'token-classification': (settings) => new BertForTokenClassification(settings),
  },
  distilbert: {
    base: (settings) => new DistilBert(settings),
    'sequence-classification': (settings) => new DistilBertForSequenceClassification(settings),
    'masked-lm': (settings) => new DistilBertForMaskedLM(settings),
    'token-classification': (settings) => new DistilBertForTokenClassification(settings),
  },
}

/** The model of a family and kind. */
export function makeModel(
  family: Family,
  kind: Kind,
  settings: Settings,
  options: BaseOptions = {},
): Pretrained {
  return makers[family.modelType][kind](settings, options)
}
