// Whether a student still gives every text the same class: seen early, hours before its accuracy would tell.

import { floats, type Tensor } from '../../tensor/tensor.js'
import { best } from '../../train/metrics.js'

/** Batches that are looked at, before each of the moments. */
const LOOKED = 10
/** Shares of all steps, at the end of which is told what was seen. */
const MOMENTS = [0.1, 0.5]

export interface OneClass {
  /** The place of the class that all texts were given. */
  label: number
  texts: number
  step: number
  total: number
}

/** Looks at logits [B, C] of the last batches before a tenth and before half of the steps. Gives what it saw where all are one class. */
export class OneClassWatch {
  readonly #ends: readonly number[]
  #counts = new Map<number, number>()

  constructor(readonly total: number) {
    this.#ends = MOMENTS.map((share) => Math.max(LOOKED, Math.ceil(share * total))).filter(
      (end) => end < total,
    )
  }

  see(step: number, logits: Tensor): OneClass | null {
    const end = this.#ends.find((e) => step > e - LOOKED && step <= e)
    if (end === undefined) return null
    if (step === end - LOOKED + 1) this.#counts = new Map()
    const [rows, classes] = logits.shape
    const values = floats(logits.detach())
    for (let row = 0; row < rows; row++) {
      const label = best(values, row * classes, classes)
      this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1)
    }
    if (step < end || this.#counts.size > 1) return null
    const [[label, texts]] = this.#counts
    return { label, texts, step, total: this.total }
  }
}

/** What people are told, with a way out: of short trainings more steps, of long ones a rate at which the loss can fall. */
export function oneClassText({ texts, step, total }: OneClass, name: string, lr: number): string {
  const remedy =
    total < ENOUGH
      ? `it may need more than ${total} steps: --steps ${2 * ENOUGH}`
      : `if that goes on, its rate is too high for its size: --lr ${Number((lr / 3).toPrecision(1))}, or --warmup 0.3`
  return `after ${step} of ${total} steps each of its last ${texts} answers is '${name}'; ${remedy}`
}

const ENOUGH = 500
