// tidy: an arena around a function. What is made inside goes back at the end, except what it returns.
import { functionArg } from '../tensor/check.js'
import { closeArena, openArena, type Storage } from '../tensor/storage.js'
import { Tensor } from '../tensor/tensor.js'
import { isRecording, synchronous } from './graph.js'

/** The storages of all tensors inside arrays, Maps, Sets and the properties of objects. */
function storagesIn(value: unknown, found: Set<Storage>, seen: Set<unknown> = new Set()): Set<Storage> {
  if (value === null || typeof value !== 'object' || seen.has(value)) return found
  seen.add(value)
  if (value instanceof Tensor) {
    found.add(value.storage)
    if (value.leafGrad !== null) found.add(value.leafGrad.tensor.storage)
  } else if (value instanceof Map) {
    for (const entry of value) for (const v of entry) storagesIn(v, found, seen)
  } else if (value instanceof Set || Array.isArray(value)) {
    for (const v of value.values()) storagesIn(v, found, seen)
  } else if (!ArrayBuffer.isView(value)) {
    for (const v of Object.values(value)) storagesIn(v, found, seen)
  }
  return found
}

/**
 * Runs `fn` and recycles every buffer that was made inside, except those of the tensors it returns (alone, or in arrays,
 * Maps, Sets and objects). A tensor in a private field (#t) or a closure cannot be seen: it goes. What it returns must not
 * be differentiated further: its graph is gone.
 */
export function tidy<T>(fn: () => T): T {
  functionArg('tidy', 'the argument', fn)
  openArena()
  let keep = new Set<Storage>()
  try {
    const result = synchronous('tidy', fn())
    keep = storagesIn(result, keep)
    return result
  } finally {
    closeArena(keep)
  }
}

/** tidy(), where nothing is recorded: backward() would need what is made inside. */
export function tidyUnrecorded<T>(fn: () => T): T {
  return isRecording() ? fn() : tidy(fn)
}
