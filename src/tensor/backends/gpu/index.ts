// The gpu backend: matrix products through gpu.js on WebGPU, WebGL 2 or headless-gl. All else stays on the processor.
import { BackendError } from '../../../errors.js'
import type { Kernels } from '../../kernels.js'
import { checkDevice } from './check.js'
import { type GpuPlace, hasCard, modesToTry, open, openSync } from './find.js'
import { GpuMatmul, type OnGpuLoss } from './matmul.js'
import { race, type SizeClass } from './race.js'
import type { Device, Driver, GpuMode } from './types.js'

export { gpuInstalled } from './find.js'
export type { GpuMatmul, OnGpuLoss } from './matmul.js'
export { byClass, race, type SizeClass } from './race.js'
export { type GpuMode, gpuModes } from './types.js'

export interface GpuOptions extends GpuPlace {
  /** When the device goes away in the middle of a run: 'recover' does the product again on wasm, warns and opens a new one; 'throw' is a BackendError. Default 'recover'. */
  onGpuLoss?: OnGpuLoss
  /** Takes the warnings. Default: console.warn. */
  warn?: (line: string) => void
  /** Bytes on the device that operands and results may take after use. Default 1 GiB. */
  budget?: number
}

/** The one mode's device, computing right, or a BackendError. */
function checked(device: Device): Device {
  const { driver } = device
  // headless-gl hides the driver behind it. Without a card that can only be Mesa's, on the processor.
  if (driver.mode === 'headlessgl' && driver.name.startsWith('ANGLE') && !hasCard())
    Object.assign(driver, {
      name: `${driver.name}: llvmpipe, there is no graphics card`,
      software: true,
    } satisfies Partial<Driver>)
  try {
    checkDevice(device)
    return device
  } catch (error) {
    device.close()
    if (error instanceof BackendError) throw error
    throw new BackendError(
      `gpu: ${driver.mode} (${driver.name}) does not compute: ${(error as Error).message}`,
    )
  }
}

const wrap = (
  device: Device,
  fast: () => Kernels,
  { onGpuLoss = 'recover', warn = console.warn, budget }: GpuOptions,
) => new GpuMatmul(device, fast, onGpuLoss, warn, budget)

/** All reasons in one error, or the one error itself. */
function together(errors: unknown[]): BackendError {
  const distinct = [...new Map(errors.map((e) => [(e as Error).message, e])).values()]
  if (distinct.length === 1 && distinct[0] instanceof BackendError) return distinct[0]
  return new BackendError(distinct.map((e) => (e as Error).message).join('; '))
}

/** The first mode that runs and computes right. Throws BackendError with the reason of each. */
export function createGpu(fast: () => Kernels, options: GpuOptions): GpuMatmul {
  const errors: unknown[] = []
  for (const mode of modesToTry(options)) {
    try {
      return wrap(checked(openSync(mode, options)), fast, options)
    } catch (error) {
      errors.push(error)
    }
  }
  throw together(errors)
}

/** The same, where opening takes its time: in browsers. */
export async function createGpuLater(fast: () => Kernels, options: GpuOptions): Promise<GpuMatmul> {
  const errors: unknown[] = []
  for (const mode of modesToTry(options)) {
    try {
      return wrap(checked(await open(mode, options)), fast, options)
    } catch (error) {
      errors.push(error)
    }
  }
  throw together(errors)
}

export type GpuTrial =
  | { mode: GpuMode; driver: string; software: boolean; classes: SizeClass[] }
  | { mode: GpuMode; why: string }

/** What becomes of each mode here, for the doctor: opened, checked, measured beside the processor and closed again. */
export function tryGpu(processor: Kernels, options: GpuOptions = {}): GpuTrial[] {
  return modesToTry(options).map((mode) => {
    try {
      const gpu = wrap(checked(openSync(mode, options)), () => processor, options)
      const { name: driver, software } = gpu.device.driver
      const classes = race(gpu, processor)
      gpu.close()
      return { mode, driver, software, classes }
    } catch (error) {
      return { mode, why: (error as Error).message.replace(/^gpu: /, '') }
    }
  })
}
