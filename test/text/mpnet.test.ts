// MPNet's tokenizer: the same ids as Python's AutoTokenizer, also of what is written of it.
import { describeGoldenTokenizer } from './golden-tokenizer.js'

describeGoldenTokenizer('mpnet', [
  'is written as of its class in Python, without token types',
  {
    ...{ tokenizer_class: 'MPNetTokenizer', model_input_names: ['input_ids', 'attention_mask'] },
    ...{ bos_token: '<s>', eos_token: '</s>', unk_token: '[UNK]' },
  },
])
