// The models by the names that Python's transformers gives them. Settings left out are the defaults there.
import { BiLstmForSequenceClassification } from './bilstm.js'
import { bert, distilbert, type Family, hasKind, type Kind, roberta } from './family.js'
import { MaskedWords, type NextWords, SequenceClassifier, SpanClassifier, TokenClassifier } from './heads.js'
import {
  DebertaV2,
  DebertaV2ForMaskedLM,
  DebertaV2ForSequenceClassification,
  DebertaV2ForTokenClassification,
} from './named/deberta.js'
import {
  Gpt2,
  Gpt2ForSequenceClassification,
  Gpt2ForTokenClassification,
  Gpt2LMHeadModel,
} from './named/gpt2.js'
import {
  Albert,
  AlbertForMaskedLM,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  Electra,
  ElectraForMaskedLM,
  ElectraForSequenceClassification,
  ElectraForTokenClassification,
  MPNet,
  MPNetForMaskedLM,
  MPNetForSequenceClassification,
  MPNetForTokenClassification,
} from './named/kin.js'
import {
  MobileBert,
  MobileBertForMaskedLM,
  MobileBertForSequenceClassification,
  MobileBertForTokenClassification,
} from './named/mobilebert.js'
import {
  ModernBert,
  ModernBertForMaskedLM,
  ModernBertForSequenceClassification,
  ModernBertForTokenClassification,
} from './named/modernbert.js'
import type { Pretrained, Settings } from './pretrained.js'
import { type BaseOptions, Transformer } from './transformer.js'

/** BERT without a head: embeddings, blocks, pooler. Parameters as in BertModel, without a prefix. */
export class Bert extends Transformer {
  constructor(settings: Settings = {}, { pooler }: BaseOptions = {}) {
    super(bert, settings, { pooler })
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

/** Of Roberta and its heads. */
export interface RobertaOptions extends BaseOptions {
  /** One that differs from RoBERTa in name alone: camembert, xlmRoberta. Default roberta. */
  family?: Family | undefined
}

/** RoBERTa without a head: BERT whose places are counted from padId + 1 on. Liu et al. 2019. */
export class Roberta extends Transformer {
  constructor(settings: Settings = {}, { family = roberta, ...options }: RobertaOptions = {}) {
    super(family, settings, options)
  }
}

/** Logits [B, labels] from the first token, through a layer and tanh, with dropout before each. */
export class RobertaForSequenceClassification extends SequenceClassifier {
  constructor(settings: Settings = {}, { family = roberta }: RobertaOptions = {}) {
    super(family, settings)
  }
}

/** Logits [B, T, vocabSize]. */
export class RobertaForMaskedLM extends MaskedWords {
  constructor(settings: Settings = {}, { family = roberta }: RobertaOptions = {}) {
    super(family, settings)
  }
}

/** Logits [B, T, labels]. */
export class RobertaForTokenClassification extends TokenClassifier {
  constructor(settings: Settings = {}, { family = roberta }: RobertaOptions = {}) {
    super(family, settings)
  }
}

/** What each kind of model is, whatever its family. */
export interface ModelOf {
  base: Transformer
  'sequence-classification': SequenceClassifier
  'masked-lm': MaskedWords
  'token-classification': TokenClassifier
  'question-answering': SpanClassifier
  'causal-lm': NextWords
}

type Class = new (settings: Settings, options: RobertaOptions) => Pretrained

/** By what their parameters begin with: families that share it differ in name alone. */
const classes: Record<Family['prefix'], Partial<Record<Kind, Class>>> = {
  bert: {
    base: Bert,
    'sequence-classification': BertForSequenceClassification,
    'masked-lm': BertForMaskedLM,
    'token-classification': BertForTokenClassification,
  },
  distilbert: {
    base: DistilBert,
    'sequence-classification': DistilBertForSequenceClassification,
    'masked-lm': DistilBertForMaskedLM,
    'token-classification': DistilBertForTokenClassification,
  },
  roberta: {
    base: Roberta,
    'sequence-classification': RobertaForSequenceClassification,
    'masked-lm': RobertaForMaskedLM,
    'token-classification': RobertaForTokenClassification,
  },
  electra: {
    base: Electra,
    'sequence-classification': ElectraForSequenceClassification,
    'masked-lm': ElectraForMaskedLM,
    'token-classification': ElectraForTokenClassification,
  },
  albert: {
    base: Albert,
    'sequence-classification': AlbertForSequenceClassification,
    'masked-lm': AlbertForMaskedLM,
    'token-classification': AlbertForTokenClassification,
  },
  mpnet: {
    base: MPNet,
    'sequence-classification': MPNetForSequenceClassification,
    'masked-lm': MPNetForMaskedLM,
    'token-classification': MPNetForTokenClassification,
  },
  transformer: {
    base: Gpt2,
    'sequence-classification': Gpt2ForSequenceClassification,
    'token-classification': Gpt2ForTokenClassification,
    'causal-lm': Gpt2LMHeadModel,
  },
  bilstm: { 'sequence-classification': BiLstmForSequenceClassification },
  model: {
    base: ModernBert,
    'sequence-classification': ModernBertForSequenceClassification,
    'masked-lm': ModernBertForMaskedLM,
    'token-classification': ModernBertForTokenClassification,
  },
  deberta: {
    base: DebertaV2,
    'sequence-classification': DebertaV2ForSequenceClassification,
    'masked-lm': DebertaV2ForMaskedLM,
    'token-classification': DebertaV2ForTokenClassification,
  },
  mobilebert: {
    base: MobileBert,
    'sequence-classification': MobileBertForSequenceClassification,
    'masked-lm': MobileBertForMaskedLM,
    'token-classification': MobileBertForTokenClassification,
  },
}

/** The model of a family and kind. Throws RangeError for a kind that the family has not. */
export function makeModel(
  family: Family,
  kind: Kind,
  settings: Settings,
  options: BaseOptions = {},
): Pretrained {
  // Alike in all families, and no page that classifies texts should load a class for each.
  if (kind === 'question-answering' && hasKind(family, kind)) return new SpanClassifier(family, settings)
  const made = classes[family.prefix][kind]
  if (made === undefined)
    throw new RangeError(`${family.className}: there is no ${kind} model of this family here`)
  return new made(settings, { ...options, family })
}
