// The one place that knows @huggingface/tokenizers: what pieces WordPiece makes of words. All around it,
// characters, words, added tokens, templates and truncation, is ours, as the library has it otherwise than Python.
import * as huggingface from '@huggingface/tokenizers'

/** What is used of it; its own types do not resolve under NodeNext. It calls pre_tokenizer as a function. */
interface Library {
  pre_tokenizer: (text: string) => string[]
  post_processor: null
  encode(text: string): { ids: number[] }
}

/** Ids of a text's pieces. `split` gives its words; the document's own normalizer and splitter do not count. */
export function pieceFinder(
  document: object,
  split: (text: string) => string[],
): (text: string) => readonly number[] {
  const plain = { ...document, added_tokens: [], normalizer: null }
  const library = new huggingface.Tokenizer(plain, {}) as unknown as Library
  library.post_processor = null
  library.pre_tokenizer = split
  return (text) => library.encode(text).ids
}
