// Why a quantized model answers alike everywhere: whole numbers are exact whatever computes them, and around them run the
// strict float kernels, a tenth of the work.
import { withSameBits } from '../../tensor/backend.js'
import type { Module } from '../module.js'

/** From now on forward() has the same bits in every wasm build, on every machine. Modules without forward() stay as they are. */
export function keepBits(model: Module): void {
  const inner: unknown = Reflect.get(model, 'forward')
  if (typeof inner !== 'function') return
  const forward = (...args: unknown[]): unknown => withSameBits(() => Reflect.apply(inner, model, args))
  Object.defineProperty(model, 'forward', { value: forward, configurable: true, writable: true })
}
