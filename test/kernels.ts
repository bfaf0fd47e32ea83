// Looks on while kernels run.
import { kernelsFor } from '../src/tensor/backend.js'

/** Runs `fn`; `onCall` gets the name of each float32 kernel of the backend in use before it runs, and may throw instead. */
export function watchKernels(onCall: (name: string) => void, fn: () => void): void {
  const kernels = kernelsFor('float32') as unknown as Record<string, (...args: unknown[]) => unknown>
  const whole = { ...kernels }
  for (const [name, run] of Object.entries(whole)) {
    kernels[name] = (...args) => {
      onCall(name)
      return run(...args)
    }
  }
  try {
    fn()
  } finally {
    Object.assign(kernels, whole)
  }
}
