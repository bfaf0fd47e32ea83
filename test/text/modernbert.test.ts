// ModernBERT's tokenizer: the same ids as Python's AutoTokenizer, also of what is written of it.
import { describeGoldenTokenizer } from './golden-tokenizer.js'

describeGoldenTokenizer('modernbert', [
  'is written as one that Python takes as it stands',
  {
    ...{ tokenizer_class: 'PreTrainedTokenizerFast', add_prefix_space: false },
    ...{ unk_token: '[UNK]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' },
  },
])
