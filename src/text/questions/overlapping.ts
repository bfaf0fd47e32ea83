// Parts of a long text that overlap: what windows of questions' texts and of sentences have in common.

/** Tokens of each unit of a text, as one model has them, and how many a part may have. */
export interface Units {
  sizes: ArrayLike<number>
  /** Special tokens are not counted. */
  room: number
}

/** Units `from` to `to` - 1. */
export interface Part {
  from: number
  to: number
}

/**
 * The parts of a text of units, tokens or words, that each have room in all of `readers`: as many units as fit, one at least, and of the
 * part's before as many as are `stride` tokens. Readers have as many units. The last part ends with the text; one without units is one part.
 */
export function overlapping(readers: readonly Units[], stride: number): Part[] {
  const { length } = readers[0].sizes
  // Whether units from..to - 1 are no more tokens than that in any of the readers.
  const within = (from: number, to: number, most: (reader: Units) => number) =>
    readers.every((reader, r) => before[r][to] - before[r][from] <= most(reader))
  const before = readers.map(({ sizes }) => {
    const sums = new Int32Array(length + 1)
    for (let i = 0; i < length; i++) sums[i + 1] = sums[i] + sizes[i]
    return sums
  })
  const parts: Part[] = []
  for (let from = 0; ; ) {
    let to = Math.min(from + 1, length)
    while (to < length && within(from, to + 1, ({ room }) => room)) to++
    const end = parts.at(-1)?.to ?? 0
    if (to <= end && length > 0) {
      // What comes next has no room beside anything that was there before.
      from = end
      continue
    }
    parts.push({ from, to })
    if (to === length) return parts
    let next = to
    while (next - 1 > from && within(next - 1, to, () => stride)) next--
    from = next
  }
}

/** Throws RangeError where parts with room for so many tokens have so much in common that none would go on. */
export function checkStride(stride: number, room: number, maxLength: number): void {
  if (room < 1 || stride >= room)
    throw new RangeError(
      `windows of ${maxLength} tokens that have ${stride} of the text in common: --doc-stride must be below ${Math.max(1, room)}, or --max-length larger`,
    )
}
