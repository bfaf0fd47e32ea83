// A text on its way through a tokenizer's normalizer, each character with its place in the text as it was. Where several characters
// become others, places are those of Python's tokenizers, so that its offsets are these.

/** Takes runs of a text in turn: what each becomes. */
type Parts = Iterable<readonly [part: string, made: string]>

export class PlacedText {
  private constructor(
    readonly text: string,
    /** Of each UTF-16 unit of `text`: where its character began, and ended. */
    readonly from: readonly number[],
    readonly to: readonly number[],
  ) {}

  /** Before anything is done to it. `start`: its own place. */
  static of(text: string, start = 0): PlacedText {
    const from: number[] = []
    const to: number[] = []
    let at = start
    for (const char of text) {
      for (let i = 0; i < char.length; i++) {
        from.push(at)
        to.push(at + char.length)
      }
      at += char.length
    }
    return new PlacedText(text, from, to)
  }

  /** Part of it. */
  slice(start: number, end: number): PlacedText {
    return new PlacedText(this.text.slice(start, end), this.from.slice(start, end), this.to.slice(start, end))
  }

  /** The same places for a text of the same length. */
  as(text: string): PlacedText {
    return new PlacedText(text, this.from, this.to)
  }

  /** With `text` in front, at the place of its first character. */
  after(text: string): PlacedText {
    const units = Array.from(text, (_, i) => i)
    return new PlacedText(
      text + this.text,
      [...units.map(() => this.from[0]), ...this.from],
      [...units.map(() => this.to[0]), ...this.to],
    )
  }

  /** What each character becomes stands at its place. */
  each(change: (char: string) => string): PlacedText {
    return this.parts(Array.from(this.text, (char) => [char, change(char)] as const))
  }

  /** Of what a part becomes, each character stands at the place of the part's own one of that number, the rest at its last. */
  parts(parts: Parts): PlacedText {
    let text = ''
    const from: number[] = []
    const to: number[] = []
    let at = 0
    for (const [part, made] of parts) {
      let own = at
      const last = at + part.length
      for (const char of made) {
        for (let i = 0; i < char.length; i++) {
          from.push(this.from[own])
          to.push(this.to[own])
        }
        const next = own + ((this.text.codePointAt(own) as number) > 0xffff ? 2 : 1)
        if (next < last) own = next
      }
      text += made
      at = last
    }
    return new PlacedText(text, from, to)
  }

  /** What matches becomes `by`, at the place of its last character. */
  replaced(pattern: RegExp, by: string): PlacedText {
    let text = ''
    const from: number[] = []
    const to: number[] = []
    let at = 0
    const keep = (end: number) => {
      text += this.text.slice(at, end)
      for (; at < end; at++) {
        from.push(this.from[at])
        to.push(this.to[at])
      }
    }
    for (const { index, 0: found } of this.text.matchAll(pattern)) {
      keep(index)
      at = index + found.length
      for (let i = 0; i < by.length; i++) {
        from.push(this.from[at - 1])
        to.push(this.to[at - 1])
      }
      text += by
    }
    keep(this.text.length)
    return new PlacedText(text, from, to)
  }
}
