// SQuAD's figures, as its own script counts them: an answer that is right as a whole, and the share of its words that are.

/** What Python's string.punctuation has. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g
/** Python's \b is between letters and digits of all alphabets and what is none. */
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu
/** What Python splits at: four separators of files too. */
const SEPARATORS = String.fromCharCode(0x1c, 0x1d, 0x1e, 0x1f)
const SPACES = new RegExp(`[\\p{White_Space}${SEPARATORS}]+`, 'u')

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .replace(PUNCTUATION, '')
    .replace(ARTICLES, ' ')
    .split(SPACES)
    .filter((word) => word !== '')

/** Of an answer beside one that is right. */
export interface AnswerScore {
  /** 1 or 0. */
  exactMatch: number
  f1: number
}

function scoreOf(said: readonly string[], right: readonly string[]): AnswerScore {
  const exactMatch = said.join(' ') === right.join(' ') ? 1 : 0
  if (said.length === 0 || right.length === 0) return { exactMatch, f1: exactMatch }
  const counts = new Map<string, number>()
  for (const word of right) counts.set(word, (counts.get(word) ?? 0) + 1)
  let same = 0
  for (const word of said) {
    const left = counts.get(word) ?? 0
    if (left > 0) same++
    counts.set(word, left - 1)
  }
  return { exactMatch, f1: (2 * same) / (said.length + right.length) }
}

/** The best over all right answers, of which there may be none: then nothing is right. Rajpurkar et al. 2016, 2018. */
export function answerScore(said: string, right: readonly string[]): AnswerScore {
  const own = wordsOf(said)
  const texts = right.map(wordsOf).filter((words) => words.length > 0)
  const all = (texts.length === 0 ? [[]] : texts).map((words) => scoreOf(own, words))
  return {
    exactMatch: Math.max(...all.map(({ exactMatch }) => exactMatch)),
    f1: Math.max(...all.map(({ f1 }) => f1)),
  }
}
