// What every tokenizer gives and how two texts share the room there is.

/** A text as a model takes it: ids, and which text of a pair each is of. */
export interface Encoded {
  /** Tokens of the text, special ones included. */
  ids: Int32Array
  /** 0 for the first text's tokens, 1 for the second's; as long as ids. */
  typeIds: Int32Array
}

/** Of encode(): the longest it may be. */
export interface EncodeOptions {
  /** Longest result in tokens, special ones counted. Default: no limit. */
  maxLength?: number
}

/** Text to ids. Where a role below is null, the vocabulary has no such token. */
export interface Tokenizer {
  readonly vocabSize: number
  /** Token of each id. */
  readonly vocabulary: readonly string[]
  readonly padId: number
  readonly unkId: number
  readonly clsId: number | null
  readonly sepId: number | null
  readonly maskId: number | null
  /** Ids that stand for no part of a text; [UNK] is among them. */
  readonly specialIds: readonly number[]
  /** The end at which encode() cuts texts that are too long. Default right. */
  readonly truncationSide?: 'left' | 'right'
  /** Tokens of a text that the model was made for, where that is known. encode() does not go by it. */
  readonly modelMaxLength?: number | null
  /** Never empty. Throws RangeError where maxLength has no room for the special tokens. */
  encode(text: string, textB?: string | null, options?: EncodeOptions): Encoded
  /** The ids of a text alone, without special tokens and uncut: what a corpus is made of. May be empty. */
  pieces(text: string): Int32Array
  /** The document for tokenizer.json. */
  toJSON(): unknown
}

/**
 * Tokens of a text where nobody asks for another number: what the model was trained on, where its tokenizer knows, and at
 * `most` what it takes.
 */
export function usualLength({ modelMaxLength }: Pick<Tokenizer, 'modelMaxLength'>, most: number): number {
  return Math.min(modelMaxLength ?? most, most)
}

/** Whether two tokenizers have the same tokens, each under the same id. */
export const sameVocabulary = (a: Pick<Tokenizer, 'vocabulary'>, b: Pick<Tokenizer, 'vocabulary'>): boolean =>
  a === b ||
  (a.vocabulary.length === b.vocabulary.length && a.vocabulary.every((token, i) => token === b.vocabulary[i]))

/** Tokens of a text in training: more take long, and few texts of classes need them. */
const TRAINING_LENGTH = 128

/**
 * Tokens of a text in training, and in what is kept of a teacher for it, where nobody asks for another number: one rule for
 * all, so that a student reads what its teacher has read. `most`: what the models take; `usual`: where they take more.
 */
export function trainingLength(
  tokenizers: readonly Pick<Tokenizer, 'modelMaxLength'>[],
  most: number,
  usual: number = TRAINING_LENGTH,
): number {
  return Math.min(usual, ...tokenizers.map((own) => usualLength(own, most)))
}

/** Whether a text that became `length` tokens lost some: only one that fills its room is encoded once more. */
export function isCut(
  tokenizer: Pick<Tokenizer, 'encode'>,
  maxLength: number,
  length: number,
  text: string,
  textB: string | null = null,
): boolean {
  return length >= maxLength && tokenizer.encode(text, textB).ids.length > maxLength
}

/**
 * Lengths of two texts cut to `room` tokens together: the longer gives way first, then both have a half each, the
 * second text the odd token. As `longest_first` of Python's tokenizers.
 */
export function longestFirst(a: number, b: number, room: number): [number, number] {
  if (a + b <= room) return [a, b]
  const [short, long] = a > b ? [b, a] : [a, b]
  let n = short
  let m = Math.min(long, Math.max(short, room - short))
  if (n + m > room) {
    n = Math.floor(room / 2)
    m = room - n
  }
  return a > b ? [m, n] : [n, m]
}

/** Throws RangeError unless `maxLength` is a whole number, or Infinity, of `least` or more. */
export function checkMaxLength(maxLength: number, least: number): void {
  if (maxLength >= least && (Number.isInteger(maxLength) || maxLength === Infinity)) return
  throw new RangeError(`encode: maxLength must be a whole number of at least ${least}, got ${maxLength}`)
}
