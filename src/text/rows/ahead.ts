// Looking ahead in what is read one after the other.

/** An iterable that can be looked into before it is gone through. */
export class Ahead<T> implements Iterable<T> {
  readonly #source: Iterator<T>
  #seen: T[] = []
  #at = 0
  /** Whether the source has given its last. */
  ended = false

  constructor(source: Iterable<T>) {
    this.#source = source[Symbol.iterator]()
  }

  /** The next items, up to `count` of them or to the first with which `sizeOf` adds up to `room`. They stay to be read. */
  peek(count: number, room: number, sizeOf: (item: T) => number): readonly T[] {
    this.#seen = this.#seen.slice(this.#at)
    this.#at = 0
    let size = this.#seen.reduce((sum, item) => sum + sizeOf(item), 0)
    while (this.#seen.length < count && size < room && !this.ended) {
      const { done, value } = this.#source.next()
      if (done) {
        this.ended = true
        break
      }
      this.#seen.push(value)
      size += sizeOf(value)
    }
    return this.#seen
  }

  /** Goes on where an earlier loop ended: to leave one does not end the source. */
  [Symbol.iterator](): Iterator<T> {
    return {
      next: () => {
        if (this.#at < this.#seen.length) return { done: false, value: this.#seen[this.#at++] }
        if (this.ended) return { done: true, value: undefined }
        const result = this.#source.next()
        this.ended = result.done === true
        return result
      },
    }
  }

  /** Lets go of the source: files are closed. */
  end(): void {
    this.#source.return?.()
  }
}
