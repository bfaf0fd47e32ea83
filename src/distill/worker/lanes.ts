// Trainings side by side on one thread: each waits until no other is further behind, and all wait where they are held.

export class Lanes {
  /** The part that is done, from 0 to 1, of each that runs. */
  readonly #done = new Map<string, number>()
  #waiting: (() => void)[] = []
  #held = false
  #steps = 0
  #over = false

  /** Of equals one goes on as soon as it comes, so what they compute does not hang on the others. */
  enter(...names: string[]): void {
    for (const name of names) this.#done.set(name, 0)
  }

  leave(name: string): void {
    this.#done.delete(name)
    this.#wake()
  }

  /** To be awaited between two steps; `done` is the part that is. */
  async pass(name: string, done: number): Promise<void> {
    this.#done.set(name, done)
    this.#wake()
    while (!this.#free(done)) await new Promise<void>((go) => this.#waiting.push(go))
    if (this.#held) this.#steps--
  }

  hold(): void {
    this.#held = true
    this.#steps = 0
  }

  /** So many steps more, then held. */
  step(n = 1): void {
    this.#held = true
    this.#steps += n
    this.#wake()
  }

  release(): void {
    this.#held = false
    this.#wake()
  }

  /** Nobody waits any more. */
  end(): void {
    this.#over = true
    this.#wake()
  }

  #free(done: number): boolean {
    if (this.#over) return true
    if (this.#held && this.#steps <= 0) return false
    for (const other of this.#done.values()) if (other < done) return false
    return true
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const go of waiting) go()
  }
}
