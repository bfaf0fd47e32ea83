// Which kernels run. The choice is made once, at the first kernel or report, and told by backendReport().
import { ArgumentError, BackendError, got } from '../errors.js'
import {
  byClass,
  createGpu,
  createGpuLater,
  type GpuMatmul,
  type GpuMode,
  type GpuOptions,
  type GpuTrial,
  gpuInstalled,
  race,
  type SizeClass,
  tryGpu,
} from './backends/gpu/index.js'
import { jsKernels } from './backends/js/index.js'
import { jsInt8Kernels } from './backends/js/int8.js'
import {
  type Build,
  createInt8Kernels,
  createWasmKernels,
  type Int8BuildName,
  int8BuildBeside,
  processorCount,
  relaxedAvailable,
  threadsLack,
  wideGain,
} from './backends/wasm/index.js'
import { heap } from './heap.js'
import type { Int8Kernels, KernelName, Kernels } from './kernels.js'
import type { DType } from './storage.js'

const names = ['auto', 'js', 'wasm', 'gpu'] as const
export type BackendName = (typeof names)[number]

export type { GpuOptions, GpuTrial, SizeClass }

interface Choice {
  backend: 'js' | 'wasm' | 'gpu'
  build: Build | null
  kernels: Kernels
  why: string
}

/** What is known of the gpu, once one has been opened. */
export interface GpuReport {
  mode: GpuMode
  /** What the driver calls itself. */
  driver: string
  /** It computes on the processor: 'auto' never takes it. */
  software: boolean
  /** Who multiplies matrices of each size, as 'auto' measured; null where it did not. */
  classes: SizeClass[] | null
  /** Lines, one for each time the device went away. */
  losses: readonly string[]
  why: string
}

export interface BackendReport {
  /** What was asked for, and what that came to. */
  asked: BackendName
  backend: 'js' | 'wasm' | 'gpu'
  /** Of the wasm kernels: strict, relaxed (fused multiply-add) or wide (that, on vectors of 8); null on js. */
  build: Build | null
  relaxed: boolean
  deterministic: boolean
  /** Threads that large kernels use, the caller's included. */
  threads: number
  why: string
  /** Where each kernel runs for float32. float64 runs on js. */
  kernels: Record<KernelName, 'js' | 'wasm' | 'gpu' | 'gpu or wasm'>
  /** null: none was opened. */
  gpu: GpuReport | null
}

let asked: BackendName = 'auto'
let deterministic = false
/** null: as many as the machine has processors, up to 8. */
let threadsAsked: number | null = null
let choice: Choice | null = null

let gpu: { matmul: GpuMatmul; key: string } | null = null
let classes: SizeClass[] | null = null
/** Why 'auto' does without a gpu. */
let gpuWhy = 'not measured'

/** An instance per build, kept because each holds scratch memory. */
const instances = new Map<Build, Kernels | null>()

function wasmKernels(build: Build): Kernels | null {
  let kernels = instances.get(build)
  if (kernels === undefined) {
    kernels = createWasmKernels(jsKernels, { build, threads: threadsNow })
    instances.set(build, kernels)
  }
  return kernels
}

/** Builds that may run here, the fastest first, each with what is to be said of it. */
function* builds(): Generator<[Build, string]> {
  if (!deterministic && relaxedAvailable()) {
    const gain = wideGain()
    if (gain !== null)
      yield ['wide', `relaxed SIMD, 256 bits at a time: products ${gain.toFixed(1)} times faster`]
    yield ['relaxed', 'relaxed SIMD']
  }
  yield [
    'strict',
    `strict SIMD: ${deterministic ? 'setDeterministic(true)' : 'this engine has no relaxed SIMD'}`,
  ]
}

/** The wasm backend in the fastest build that may run, or the reason why there is none. */
function chooseWasm(): Choice | string {
  for (const [build, why] of builds()) {
    const kernels = wasmKernels(build)
    if (kernels !== null) return { backend: 'wasm', build, kernels, why }
  }
  return heap === null
    ? 'no shared WebAssembly.Memory can be made here'
    : 'this engine does not take WebAssembly with SIMD and shared memory'
}

/** The backend of the processor: under the gpu, and alone. */
function chooseProcessor(): Choice {
  const wasm = chooseWasm()
  return typeof wasm === 'string' ? { backend: 'js', build: null, kernels: jsKernels, why: wasm } : wasm
}

/** Who does what the gpu does not take; never the gpu itself. */
let processorChoice: Choice | null = null
function processor(): Kernels {
  processorChoice ??= chooseProcessor()
  return processorChoice.kernels
}

function choose(name: BackendName): Choice {
  const js = (why: string): Choice => ({ backend: 'js', build: null, kernels: jsKernels, why })
  if (name === 'js') return js('asked for')
  const processorNow = chooseProcessor()
  processorChoice = processorNow
  if (name === 'gpu') {
    if (deterministic) return { ...processorNow, why: `${processorNow.why}; no gpu` }
    const matmul = openedGpu({}).matmul
    return { ...processorNow, backend: 'gpu', kernels: { ...processorNow.kernels, matmul } }
  }
  if (name === 'wasm' && processorNow.backend === 'js')
    throw new BackendError(`backend wasm does not run: ${processorNow.why}`, "Use setBackend('auto')")
  if (name === 'auto' && classes?.some((c) => c.winner === 'gpu') && gpu !== null && !deterministic) {
    const matmul = byClass(classes, gpu.matmul.matmul, processorNow.kernels)
    return { ...processorNow, kernels: { ...processorNow.kernels, matmul } }
  }
  return processorNow
}

const keyOf = ({ mode, gpujs, onGpuLoss, budget }: GpuOptions) => [mode, gpujs, onGpuLoss, budget].join('|')

/** The open gpu where it is the one asked for, else a new one. Throws BackendError. */
function openedGpu(options: GpuOptions): GpuMatmul {
  const asks = Object.keys(options).length > 0
  if (gpu === null || (asks && gpu.key !== keyOf(options)) || gpu.matmul.gone !== null) {
    const matmul = createGpu(processor, options)
    closeGpu()
    gpu = { matmul, key: keyOf(options) }
  }
  return gpu.matmul
}

/**
 * Opens a gpu, so that setBackend('gpu') need not: in browsers that is the only way, because it takes its time. Loads
 * gpu.js, an optional package, tries the modes (or the one asked for) and checks what they compute. Throws BackendError
 * with the reason why each does not run here.
 */
export async function openGpu(options: GpuOptions = {}): Promise<GpuReport> {
  const matmul = await createGpuLater(processor, options)
  closeGpu()
  gpu = { matmul, key: keyOf(options) }
  return backendReport().gpu as GpuReport
}

/** The open gpu, for tests and measurements. */
export function currentGpu(): GpuMatmul | null {
  return gpu?.matmul ?? null
}

/** Gives the gpu's memory and thread back. Kernels run on the processor from here on. */
export function closeGpu(): void {
  gpu?.matmul.close()
  gpu = null
  classes = null
  choice = null
  if (asked === 'gpu') asked = 'auto'
}

/**
 * For the start of a long run under 'auto': measures the gpu against wasm, once for each size class, and from then on each
 * matrix product goes to the faster one. Without gpu.js, with a renderer in software, or under setDeterministic(true) it
 * leaves all to wasm. Gives the report.
 */
export function raceBackends(options: GpuOptions = {}): BackendReport {
  if (asked === 'auto' && classes === null && !deterministic) {
    gpuWhy = raceGpu(options)
    choice = null
  }
  return backendReport()
}

function raceGpu(options: GpuOptions): string {
  if (gpu === null && !gpuInstalled(options)) return 'gpu.js is not installed'
  try {
    const matmul = openedGpu(options)
    classes = race(matmul, processor())
    const { name, software } = matmul.device.driver
    if (software) return `${name} computes on the processor`
    return classes.some((c) => c.winner === 'gpu')
      ? 'faster from some size on'
      : 'slower than wasm at every size'
  } catch (error) {
    if (error instanceof BackendError) return error.message
    throw error
  }
}

/** For the doctor: what becomes of each mode of gpu.js, and the speeds of the processor alone by size class. */
export function examine(): { modes: GpuTrial[]; classes: SizeClass[] } {
  return { modes: gpuInstalled() ? tryGpu(processor()) : [], classes: race(null, processor()) }
}

function chosen(): Choice {
  choice ??= choose(asked)
  return choice
}

/** By the build that runs elsewhere: floats of the strict one. */
const sameBits = new Map<Build, Kernels>()

function sameBitsKernels(): Kernels {
  const { build, kernels } = chosen()
  if (build === null) return kernels
  // Not the chosen ones: a gpu may multiply there.
  if (build === 'strict') return processor()
  let own = sameBits.get(build)
  if (own === undefined) {
    own = createWasmKernels(jsKernels, { build: 'strict', threads: threadsNow }) ?? kernels
    sameBits.set(build, own)
  }
  return own
}

let inSameBits = 0

/**
 * Runs `fn` with float kernels that have the same bits in every build and on every machine, as under setDeterministic(true),
 * while whole numbers are multiplied by the fastest build there is. On the js backend nothing changes.
 */
export function withSameBits<T>(fn: () => T): T {
  inSameBits++
  try {
    return fn()
  } finally {
    inSameBits--
  }
}

/** The kernels for a dtype. float64 is the oracle and runs on js whatever the backend. */
export function kernelsFor(dtype: DType): Kernels {
  if (dtype === 'float64') return jsKernels
  return inSameBits > 0 ? sameBitsKernels() : chosen().kernels
}

const int8Beside = new WeakMap<Kernels, Int8Kernels>()

/** The kernels of whole numbers, in the fastest build beside the one for floats, on its threads. The same bits in each. */
export function int8Kernels(): Int8Kernels {
  const { build } = chosen()
  if (build === null) return jsInt8Kernels
  const floats = inSameBits > 0 ? sameBitsKernels() : processor()
  const own =
    int8Beside.get(floats) ??
    createInt8Kernels(jsInt8Kernels, floats, () => int8BuildBeside(build)) ??
    jsInt8Kernels
  int8Beside.set(floats, own)
  return own
}

/**
 * 'auto' (wasm where it runs, else js; and a gpu for what raceBackends() found it faster at), 'js' (the readable oracle),
 * 'wasm', or 'gpu' (every float32 matrix product through gpu.js, the rest on wasm; the options are for it alone). Throws
 * BackendError for one that cannot run, and leaves the backend as it was.
 */
export function setBackend(name: BackendName, options: GpuOptions = {}): void {
  if (!names.includes(name))
    throw new BackendError(
      `no backend ${typeof name === 'string' ? name : got(name)}`,
      `There are ${names.join(', ')}`,
    )
  if (name === 'gpu' && !deterministic) openedGpu(options)
  choice = choose(name)
  asked = name
}

/** true: the same bits in every engine and on every machine, for up to a third less speed (no relaxed SIMD, no gpu). */
export function setDeterministic(on: boolean): void {
  if (typeof on !== 'boolean')
    throw new ArgumentError('setDeterministic', `the argument must be true or false, got ${got(on)}`)
  deterministic = on
  choice = null
  processorChoice = null
}

const processors = processorCount()

function threadsNow(): number {
  if (threadsLack() !== null) return 1
  return threadsAsked ?? Math.min(processors, 8)
}

/**
 * How many threads kernels may use, 1 to 64, the caller's included. Default: one for each processor, at most 8. They
 * start at the first work that is worth it. The results are the same bits for any number. Throws BackendError.
 */
export function setThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 64)
    throw new BackendError(`setThreads: ${got(n)} threads`, 'Use a whole number from 1 to 64')
  threadsAsked = n
}

export function backendReport(): BackendReport {
  const { backend, build, kernels, why } = chosen()
  const lack = backend === 'js' ? null : threadsLack()
  const place = (name: KernelName) => {
    if (name === 'matmul' && kernels.matmul !== processor().matmul && backend !== 'js')
      return backend === 'gpu' ? 'gpu' : 'gpu or wasm'
    return kernels[name] === jsKernels[name] ? 'js' : 'wasm'
  }
  const places = (Object.keys(jsKernels) as KernelName[]).map((name) => [name, place(name)])
  return {
    asked,
    backend,
    build,
    relaxed: build === 'relaxed' || build === 'wide',
    deterministic,
    threads: backend === 'js' ? 1 : threadsNow(),
    why: lack === null ? why : `${why}; one thread: ${lack}`,
    kernels: Object.fromEntries(places),
    gpu: gpuReport(backend),
  }
}

/** Which build multiplies whole numbers; null: the plain loops do. The first to ask waits for a race of some 30 to 80 ms. */
export function int8Build(): Int8BuildName | null {
  const { build } = chosen()
  const own = build === null ? null : int8BuildBeside(build)
  return own === null ? null : ((own[4].toLowerCase() + own.slice(5)) as Int8BuildName)
}

function gpuReport(backend: Choice['backend']): GpuReport | null {
  if (gpu === null) return null
  const { device, losses, gone } = gpu.matmul
  const { mode, name: driver, software } = device.driver
  return { mode, driver, software, classes, losses, why: gone ?? (backend === 'gpu' ? 'asked for' : gpuWhy) }
}
