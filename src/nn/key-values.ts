// What attention to earlier words keeps of them: their keys and values, in memory with room for the words to come.
import { isRecording } from '../autograd/graph.js'
import { cat } from '../autograd/ops/shape/join.js'
import { assign, empty, type Tensor } from '../tensor/tensor.js'

/** Keys and values by head of all words so far: [B, H, T, D]. */
export class KeyValues {
  k: Tensor | null = null
  v: Tensor | null = null
  /** What k and v are the first words of. They share their memory, so that tidy() sees it. */
  #rooms: Partial<Record<'k' | 'v', Tensor>> = {}

  /** room: words that will come, about; it grows where they are more. */
  constructor(readonly room = 0) {}

  /** How many words. */
  get length(): number {
    return this.k?.shape[2] ?? 0
  }

  /**
   * Those of all words and of the next ones, [B, H, S, D]. They come to the cache by Object.assign(cache, ...), so that what is
   * refused in between leaves it as it was.
   */
  with(k: Tensor, v: Tensor): { k: Tensor; v: Tensor } {
    return { k: this.#joined('k', k), v: this.#joined('v', v) }
  }

  #joined(name: 'k' | 'v', next: Tensor): Tensor {
    const before = this[name]
    // Memory that is written again cannot be differentiated through.
    if (isRecording() && (next.requiresGrad || before?.requiresGrad))
      return before === null ? next : cat([before, next], 2)
    const [B, H, S, D] = next.shape
    const n = this.length
    let room = this.#rooms[name]
    if (room === undefined || room.shape[2] < n + S || (before !== null && before.storage !== room.storage)) {
      room = empty([B, H, Math.max(this.room, 2 * (n + S)), D], next.dtype)
      if (before !== null) assign(room.viewAs(before.shape, room.strides), before)
      this.#rooms[name] = room
    }
    assign(room.viewAs(next.shape, room.strides, n * D), next)
    return room.viewAs([B, H, n + S, D], room.strides)
  }

  /** Gives the memory back. */
  dispose(): void {
    for (const t of [this.k, this.v]) t?.dispose()
    Object.assign(this, { k: null, v: null })
    this.#rooms = {}
  }
}
