// A device and what lies on it: copies of tensors' storages, kept while these do not change, within a budget of bytes.
import type { Storage } from '../../storage.js'
import type { Device } from './types.js'

/** A copy of a storage's elements on a device. */
class Copy {
  live = true
  constructor(
    readonly session: Session,
    readonly id: number,
    readonly bytes: number,
    /** The storage's, when the copy was made. */
    readonly version: number,
  ) {}

  free(): void {
    if (!this.live) return
    this.live = false
    this.session.forget(this)
  }
}

/** WebGL keeps one number in a texel of four. */
const texel = (device: Device) => (device.driver.mode === 'webgpu' ? 4 : 16)

export class Session {
  #last = 0
  #bytes = 0
  /** In the order of their last use. */
  readonly #copies = new Set<Copy>()

  constructor(
    readonly device: Device,
    readonly budget: number,
  ) {}

  next(): number {
    return ++this.#last
  }

  /**
   * The number of the elements on the device: those already there where the storage has not changed since, else
   * uploaded. `once`: nobody can say whether they change, so the caller frees them after use.
   */
  place(data: Float32Array, storage: Storage | undefined): { id: number; once: boolean } {
    const kept = storage?.device
    if (
      kept instanceof Copy &&
      kept.session === this &&
      kept.live &&
      kept.version === storage!.version &&
      !storage!.exposed
    ) {
      this.#copies.delete(kept)
      this.#copies.add(kept)
      return { id: kept.id, once: false }
    }
    const id = this.next()
    this.device.upload(id, data)
    if (storage === undefined || storage.exposed) return { id, once: true }
    this.keep(id, data.length, storage)
    return { id, once: false }
  }

  /** From now on the array `id` of the device is the copy of `storage`. */
  keep(id: number, length: number, storage: Storage): void {
    storage.device?.free()
    const copy = new Copy(this, id, length * texel(this.device), storage.version)
    storage.device = copy
    this.#copies.add(copy)
    this.#bytes += copy.bytes
  }

  /** Back within the budget, by what has not been used for longest. Between products: the operands of one must stay. */
  trim(): void {
    for (const old of this.#copies) {
      if (this.#bytes <= this.budget) break
      old.free()
    }
  }

  forget(copy: Copy): void {
    if (!this.#copies.delete(copy)) return
    this.#bytes -= copy.bytes
    this.device.free(copy.id)
  }

  /** After the device is lost: its copies are no more, and nothing is to be freed on it. */
  clear(): void {
    for (const copy of this.#copies) copy.live = false
    this.#copies.clear()
    this.#bytes = 0
  }
}
