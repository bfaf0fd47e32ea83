// What a family of models is said by: names of parameters and settings, and few differences in what is computed.
import type { Activation } from '../../encoder.js'
import type { NumberField, TransformerConfig } from '../config.js'

/** What a model is for. */
export type Kind =
  | 'base'
  | 'sequence-classification'
  | 'masked-lm'
  | 'token-classification'
  | 'question-answering'
  | 'causal-lm'

export const kinds: readonly Kind[] = [
  ...(['base', 'sequence-classification', 'masked-lm', 'token-classification'] as const),
  ...(['question-answering', 'causal-lm'] as const),
]

/** How a weight file has linear layers, where it is not as PyTorch's Linear, [out, in], one tensor each. */
export interface Stored {
  /** Ends of modules' names whose weights stand there as [in, out]. */
  readonly turned: readonly string[]
  /** Modules that stand there as one, by the end of its name: their outputs one after the other, by the ends of ours. */
  readonly joined: Readonly<Record<string, readonly string[]>>
  /** Of bare encoders, in which these are no parameters: what older versions of transformers saved besides. */
  readonly buffers: RegExp
}

/** What one family of models has of its own. */
export interface Family {
  /** As in config.json. */
  readonly modelType:
    | 'bert'
    | 'distilbert'
    | 'roberta'
    | 'camembert'
    | 'xlm-roberta'
    | 'electra'
    | 'albert'
    | 'mpnet'
    | 'gpt2'
    | 'bilstm'
    | 'modernbert'
    | 'deberta-v2'
    | 'mobilebert'
  /** What the parameters of the encoder begin with in a model that has a head. */
  readonly prefix:
    | 'bert'
    | 'distilbert'
    | 'roberta'
    | 'electra'
    | 'albert'
    | 'mpnet'
    | 'transformer'
    | 'bilstm'
    | 'model'
    | 'deberta'
    | 'mobilebert'
  /** What its classes in Python begin with. */
  readonly className: string
  /**
   * What makes words' states: encoder blocks, or one LSTM in both directions, which has no heads, layers or attention that could
   * be taken, cut or compared.
   */
  readonly body: 'blocks' | 'lstm'
  /** Whether the encoder ends in a pooler, a layer on the first token's state; a head of texts may do without it. */
  readonly pooler: boolean
  /** What follows the layer between the first token's state and the classes of a text, and whether dropout comes before it. */
  readonly pooling: 'tanh' | 'relu' | 'gelu'
  readonly dropBeforePooler: boolean
  /** Whether the head of texts is its last layer alone: without bias, and nothing is dropped before it. */
  readonly bareTextHead: boolean
  /** Whether places are counted from padId + 1 on and padding is at padId, as in fairseq; else from 0. */
  readonly placesAfterPad: boolean
  /** Whether tables go through a layer to the width of the states even where they are as wide; else only where they are not. */
  readonly alwaysProjects: boolean
  /** Whether a table adds to a head's scores by the distance of two words, the same one in all layers. */
  readonly addsDistances: boolean
  /** Whether config.json may leave open how wide the inner layers are: four times as the states. */
  readonly innerFollows: boolean
  /** Whether all blocks are one, seen again and again. */
  readonly sharesLayers: boolean
  /** Whether blocks stand between bottlenecks, and words alone, not places and types, are narrow. Then the config has settings of that. */
  readonly bottlenecks: boolean
  /** Whether a word sees itself and those before it alone. */
  readonly causal: boolean
  /**
   * Where words stand, if no table of `names` says it: 'rotary', by turning queries and keys; 'relative', by scores between words
   * and distances; null. With it the config has settings of that name.
   */
  readonly places: 'rotary' | 'relative' | null
  /** Where the blocks' norms stand: behind each part ('post'), or before it ('pre'). `norm` and `finalNorm` are where `names` has them. */
  readonly norms: 'post' | 'pre'
  /** Whether the first block has a norm at its attention, as the others have. */
  readonly firstNorm: boolean
  /** Whether the blocks' inner layer is multiplied by another one. */
  readonly gated: boolean
  /** Whether linear layers and norms have biases; the last layers of heads do, but for `bareTextHead`. */
  readonly biases: boolean
  /** Whether what attention gives is dropped. */
  readonly dropAttended: boolean
  /** Whether token classification drops with headDropout, or with dropout. */
  readonly tokensUseHeadDropout: boolean
  /** What is dropped before the head that finds answers: a share, or as much as before a classifier's. */
  readonly spanDropout: number | 'head'
  /** In the head of masked words; null: the config's. */
  readonly wordActivation: Activation | null
  /** Of the encoder: our paths, `#` for the layer's number, to those of the weight file. */
  readonly names: Readonly<Record<string, string>>
  /**
   * What each head is made of, by the file's names; others it has not. Of a classifier of texts `pooler` where it has one of its own,
   * and `poolerNorm` behind that; of one of tokens, or of answers, `transform` and `transformNorm`; of masked words `rest`, where
   * words are predicted by states wider than their table, of which `rest` takes what `decoder` does not.
   */
  readonly heads: Readonly<Partial<Record<Exclude<Kind, 'base'>, Readonly<Record<string, string>>>>>
  readonly stored: Stored | null
  /** Where the decoder is tied, the name of its bias; null: the decoder's own. */
  readonly tiedBias: string | null
  /** Names in a file of parameters that heads have, ours and others; TinyBERT keeps its projections. */
  readonly headNames: RegExp
  /** Settings by their names in config.json; what is not named there is fixed. */
  readonly settings: Readonly<Partial<Record<NumberField | 'activation' | 'tied' | 'textState', string>>>
  /** Settings that would change what is computed, by their names in config.json, with the values at which they do not. */
  readonly fixed: Readonly<Record<string, readonly unknown[]>>
  /** The same where Python computes otherwise if the setting is missing: config.json must say one of these, and the first is written. */
  readonly stated: Readonly<Record<string, readonly unknown[]>>
  /** Settings that are one here, by their names in config.json: they must say what the one in `settings` says. */
  readonly alike: Readonly<Record<string, string>>
  /** Python's class of its tokenizer, where that is BERT's. */
  readonly tokenizer: 'BertTokenizer' | 'DistilBertTokenizer' | 'GPT2Tokenizer' | 'PreTrainedTokenizerFast'
  readonly defaults: TransformerConfig
}
