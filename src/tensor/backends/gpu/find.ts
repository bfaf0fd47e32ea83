// Where gpu.js is, and why a mode of it does not run here, in one line a mode.
import { BackendError } from '../../../errors.js'
import { ownAddress } from '../../copies.js'
import { maySleep } from '../wasm/pool.js'
import { directDevice, RemoteDevice } from './device.js'
import { createEngine, type GpuJs } from './engine.js'
import type { Device, GpuMode } from './types.js'

export interface GpuPlace {
  /** Default: those that can run here, in turn: webgpu, then headlessgl in Node and webgl2 in browsers. */
  mode?: GpuMode
  /** Where gpu.js is. In Node a path; default: the package as seen from here or from the working directory. In browsers the address of its gpu-browser.js; default: the global GPU. */
  gpujs?: string
}

const builtin = typeof process === 'undefined' ? undefined : process.getBuiltinModule
const INSTALL = 'Run: npm install gpu.js webgpu'

type Loaded = { path: string; require: NodeJS.Require }

const reasonOf = (error: unknown) =>
  String((error as Error)?.message ?? error)
    .split('\n')[0]
    .replace(/\.+$/, '')

/** Files from which packages are looked for: those of the application that runs. */
function applicationPlaces(): string[] {
  const main = process.argv[1]
  return [`${process.cwd()}/package.json`, ...(main ? [main] : [])]
}

/** The first place that knows a package. */
function resolved(name: string, places: readonly (string | null)[]): string | null {
  const { createRequire } = builtin!('node:module')
  for (const base of places) {
    if (base === null) continue
    try {
      return createRequire(base).resolve(name)
    } catch {
      // Not there: the next place.
    }
  }
  return null
}

function nodeGpuJs({ gpujs }: GpuPlace): Loaded {
  // Not by import.meta.url, on which CommonJS, and with it Jest with babel, stumbles.
  const path = resolved(gpujs ?? 'gpu.js', [ownAddress(), ...applicationPlaces()])
  if (path !== null) return { path, require: builtin!('node:module').createRequire(path) }
  throw new BackendError(`gpu: ${gpujs ?? 'the package gpu.js'} is not installed`, INSTALL)
}

/** headless-gl's package says nothing when its native part is missing; asking for it here tells. */
function headlessGl(loaded: Loaded): Device {
  let make: (width: number, height: number) => unknown
  try {
    make = loaded.require('gl') as typeof make
  } catch (error) {
    const missing = (error as { code?: string }).code === 'MODULE_NOT_FOUND' && /'gl'/.test(reasonOf(error))
    throw new BackendError(
      missing
        ? 'gpu: headlessgl needs the package gl, which is not installed'
        : `gpu: the package gl is not built: ${reasonOf(error)}`,
      missing
        ? 'Run: npm install gl'
        : 'Run: npm rebuild gl (it needs a compiler, libxi-dev, libgl1-mesa-dev and libxext-dev)',
    )
  }
  if (!make(1, 1))
    throw new BackendError('gpu: headlessgl gets no context', 'It needs a display: run under xvfb-run -a')
  const gpujs = loaded.require(loaded.path) as GpuJs
  return directDevice(() => createEngine(gpujs, 'headlessgl', {}), 'headlessgl')
}

function nodeWebGpu(loaded: Loaded): Device {
  // The application's own before the one that gpu.js asks for by version and npm hides below it.
  const path = resolved('webgpu', [...applicationPlaces(), loaded.path])
  if (path === null) {
    throw new BackendError(
      'gpu: webgpu in Node needs the package webgpu, which is not installed',
      'Run: npm install webgpu',
    )
  }
  const webgpu = builtin!('node:url').pathToFileURL(path).href
  try {
    return RemoteDevice.openSync({ mode: 'webgpu', gpujs: loaded.path, webgpu })
  } catch (error) {
    if (!/adapter/.test(reasonOf(error))) throw error
    throw new BackendError(
      'gpu: webgpu finds no graphics card with a driver (no adapter)',
      'Install its Vulkan driver, or name one by VK_DRIVER_FILES',
    )
  }
}

/** gpu.js of a page or worker, where its script has run. */
function globalGpuJs(): GpuJs | null {
  const { GPU } = globalThis as unknown as { GPU?: GpuJs['GPU'] & Partial<GpuJs> }
  return GPU?.input === undefined ? null : { GPU, input: GPU.input }
}

const webGl2 = (gpujs: GpuJs) => directDevice(() => createEngine(gpujs, 'webgl2', {}), 'webgl2')

/** The modes that could run here. */
export function modesHere(): GpuMode[] {
  return builtin === undefined ? ['webgpu', 'webgl2'] : ['webgpu', 'headlessgl']
}

function notHere(mode: GpuMode): never {
  throw new BackendError(`gpu: ${mode} is not for here`, `Choose ${modesHere().join(' or ')}`)
}

/** Opens one mode now. Throws BackendError with the reason. */
export function openSync(mode: GpuMode, place: GpuPlace): Device {
  if (!modesHere().includes(mode)) notHere(mode)
  try {
    if (builtin !== undefined)
      return mode === 'webgpu' ? nodeWebGpu(nodeGpuJs(place)) : headlessGl(nodeGpuJs(place))
    const gpujs = globalGpuJs()
    if (mode === 'webgl2' && gpujs !== null) return webGl2(gpujs)
  } catch (error) {
    throw asBackendError(mode, error)
  }
  throw new BackendError(
    `gpu: ${mode} cannot be opened at once in a browser`,
    'Call: await openGpu({ gpujs: address }) first',
  )
}

/** Opens one mode. In a browser this loads gpu.js where it is not loaded. */
export async function open(mode: GpuMode, place: GpuPlace): Promise<Device> {
  if (builtin !== undefined) return openSync(mode, place)
  if (!modesHere().includes(mode)) notHere(mode)
  try {
    if (mode === 'webgpu') {
      if (place.gpujs === undefined)
        throw new BackendError('gpu: the address of gpu-browser.js is needed', 'Pass { gpujs }')
      const gpujs = new URL(place.gpujs, globalThis.location.href).href
      return await RemoteDevice.open({ mode, gpujs, webgpu: null })
    }
    if (globalGpuJs() === null && place.gpujs !== undefined)
      await import(
        /* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ new URL(
          place.gpujs,
          globalThis.location.href,
        ).href
      )
    const gpujs = globalGpuJs()
    if (gpujs === null)
      throw new BackendError('gpu: gpu.js is not loaded', 'Pass { gpujs: the address of gpu-browser.js }')
    return webGl2(gpujs)
  } catch (error) {
    throw asBackendError(mode, error)
  }
}

function asBackendError(mode: GpuMode, error: unknown): BackendError {
  if (error instanceof BackendError) return error
  return new BackendError(`gpu: ${mode} does not run here: ${reasonOf(error)}`)
}

/** Whether gpu.js can be found without loading anything. */
export function gpuInstalled(place: GpuPlace = {}): boolean {
  if (builtin === undefined) return globalGpuJs() !== null
  try {
    nodeGpuJs(place)
    return true
  } catch {
    return false
  }
}

/** The modes worth trying here without being asked: a page's main thread cannot wait for WebGPU. */
export function modesToTry({ mode }: GpuPlace): GpuMode[] {
  if (mode !== undefined) return [mode]
  return modesHere().filter((m) => m !== 'webgpu' || maySleep)
}

/** Whether this machine has anything that could be a graphics card. Only Linux says so. */
export function hasCard(): boolean {
  if (builtin === undefined || process.platform !== 'linux') return true
  const { existsSync } = builtin('node:fs')
  return ['/dev/dri', '/dev/nvidia0', '/dev/dxg', '/dev/mali0'].some((path) => existsSync(path))
}
