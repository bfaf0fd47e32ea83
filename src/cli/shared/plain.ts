// Text for a terminal: escaped, so that data cannot move the cursor or reorder a line, measured in columns, and cut.

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Control characters, half pairs, line separators and direction marks as visible escapes: one line stays one. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (c) => {
    const hex = c.charCodeAt(0).toString(16)
    return NAMED[c] ?? (hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`)
  })
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const HALF = /^[\uff61-\uffdc\uffe8-\uffee]/
const WIDE =
  /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Bopo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u
const EMOJI = /\p{Emoji_Presentation}|\p{Regional_Indicator}|\ufe0f/u
const NOTHING = /^[\p{M}\p{Cf}]+$/u

function graphemeWidth(g: string): number {
  if (NOTHING.test(g)) return 0
  return !HALF.test(g) && (WIDE.test(g) || EMOJI.test(g)) ? 2 : 1
}

/** Columns that a terminal gives to a text: East Asian wide characters and emoji take two, marks none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

/** The text, or as much of it as fits into `width` columns with an ellipsis at its end. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment)
    if (used > width - 1) break
    kept += segment
  }
  return width > 0 ? `${kept}\u2026` : ''
}
