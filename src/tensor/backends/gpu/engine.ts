// The part that speaks to gpu.js: kernels, uploads, results. One self-contained function, because it also runs as source
// text in a worker that owns a WebGPU device. What gpu.js gives as a promise there comes back as one; on WebGL nothing does.
import type { Census, Driver, GpuMode, Product, Times } from './types.js'

/** gpu.js as far as it is used here. */
export interface GpuJs {
  GPU: new (settings: object) => GpuInstance
  input: (data: Float32Array, size: number[]) => unknown
}

interface GpuInstance {
  createKernel(source: string, settings: object): GpuKernel
  destroy(): unknown
}

interface GpuKernel {
  (...args: unknown[]): unknown
  setOutput(size: number[]): unknown
  kernel: { constructor: { mode?: string; name: string }; context: GlContext & WebGpuContext }
}

interface Handle {
  toArray(): MaybePromise<unknown>
  delete(): void
}

interface GlContext {
  RENDERER: number
  VERSION: number
  MAX_TEXTURE_SIZE: number
  getParameter(name: number): unknown
  getExtension(name: string): Record<string, unknown> | null
  isContextLost?(): boolean
  finish(): void
  createTexture(): unknown
  deleteTexture(texture: unknown): void
}

interface WebGpuContext {
  adapter: { info: Record<string, unknown> }
  device: WebGpuDevice
  isLost: boolean
}

interface WebGpuDevice {
  limits: { maxStorageBufferBindingSize: number }
  queue: { onSubmittedWorkDone(): Promise<void> }
  createBuffer(descriptor: object): { destroy(): void }
  destroy(): void
  lost: Promise<unknown>
}

export type MaybePromise<T> = T | Promise<T>

export interface Engine {
  open(): MaybePromise<Pick<Driver, 'name' | 'software' | 'largest'>>
  upload(id: number, data: Float32Array): MaybePromise<void>
  multiply(product: Product, out: Float32Array, apart: boolean): MaybePromise<Times>
  free(id: number): void
  census(): Census
  isLost(): boolean
  lose(): MaybePromise<void>
  close(): void
}

/** Nothing from outside but its arguments may be used in here: a worker gets only its text. */
export function createEngine(gpujs: GpuJs, mode: GpuMode, settings: object): Engine {
  const gpu = new gpujs.GPU({ mode, ...settings })
  const handles = new Map<number, Handle>()
  const kernels = new Map<string, GpuKernel>()
  let objects = 0
  let context: (GlContext & WebGpuContext) | null = null
  let gone = false

  const then = <T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> =>
    value instanceof Promise ? value.then(next) : next(value)

  /** gpu.js hands a kernel that it cannot run here to its CPU modes; that must not pass for a result of the GPU. */
  function refuse(reason: unknown): never {
    throw new Error(`gpu.js left ${mode} for a CPU mode${reason ? `: ${reason}` : ''}`)
  }

  /**
   * Of an upload. WebGL takes as an operand only what has as many dims as the first one had, and a product has three; WebGPU
   * takes all, but only a line of any length.
   */
  const sizeOf = (n: number) => (mode === 'webgpu' ? [n] : [n, 1, 1])

  function kernelOf(name: string, source: string, types: string[], loop: number): GpuKernel {
    let kernel = kernels.get(name)
    if (kernel === undefined) {
      kernel = gpu.createKernel(source, {
        // single and precision: float32 at every size. Without, gpu.js packs into bytes, or takes mediump for small ones.
        ...{ precision: 'single', tactic: 'precision', pipeline: true, immutable: true },
        ...{ dynamicOutput: true, dynamicArguments: true, output: name === 'upload' ? sizeOf(1) : [1, 1, 1] },
        // A loop of more turns than this ends silently.
        ...{
          loopMaxIterations: loop,
          argumentTypes: types,
          onRequestFallback: () => refuse('it cannot run the kernel'),
        },
      })
      kernels.set(name, kernel)
    }
    return kernel
  }

  function run(kernel: GpuKernel, size: number[], args: unknown[]): MaybePromise<Handle> {
    kernel.setOutput(size)
    return then(kernel(...args) as MaybePromise<Handle>, (handle) => {
      const used = kernel.kernel.constructor
      // Its WebGL kernels, headless or not, call their mode gpu.
      if (used.mode !== (mode === 'webgpu' ? mode : 'gpu') || typeof handle?.toArray !== 'function')
        refuse(used.mode)
      if (context === null) {
        context = kernel.kernel.context
        count(context)
      }
      return handle
    })
  }

  /** Counts what is made and deleted on the device from here on. */
  function count(on: GlContext & WebGpuContext): void {
    if (mode === 'webgpu') {
      const { device } = on
      const make = device.createBuffer.bind(device)
      device.createBuffer = (descriptor) => {
        const buffer = make(descriptor)
        const destroy = buffer.destroy.bind(buffer)
        objects++
        let live = true
        buffer.destroy = () => {
          if (live) objects--
          live = false
          destroy()
        }
        return buffer
      }
      return
    }
    const [make, remove] = [on.createTexture.bind(on), on.deleteTexture.bind(on)]
    on.createTexture = () => {
      objects++
      return make()
    }
    on.deleteTexture = (texture) => {
      if (texture) objects--
      remove(texture)
    }
  }

  function put(id: number, data: Float32Array): MaybePromise<void> {
    const kernel = kernelOf('upload', 'function(x) { return x[this.thread.x] }', ['Input'], 1)
    return then(run(kernel, sizeOf(data.length), [gpujs.input(data, [data.length])]), (handle) => {
      handles.set(id, handle)
    })
  }

  const now = () => performance.now()
  const settled = (): MaybePromise<void> =>
    mode === 'webgpu' ? context!.device.queue.onSubmittedWorkDone() : context!.finish()

  /** gpu.js gives rows as arrays of their own, in one or two levels of nesting. */
  function flatten(value: unknown, out: Float32Array, at: number): number {
    if (ArrayBuffer.isView(value)) {
      out.set(value as Float32Array, at)
      return at + (value as Float32Array).length
    }
    for (const part of value as unknown[]) at = flatten(part, out, at)
    return at
  }

  return {
    open: () =>
      then(put(0, Float32Array.of(1, 2, 3)), () => {
        handles.get(0)?.delete()
        handles.delete(0)
        const on = context!
        if (mode === 'webgpu') {
          const { vendor, architecture, device, description, isFallbackAdapter } = on.adapter.info
          const name = [vendor, architecture, device, description].filter(Boolean).join(' ')
          const software =
            isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(name)
          return {
            name,
            software,
            largest: Math.min(2 ** 31 - 1, on.device.limits.maxStorageBufferBindingSize / 4),
          }
        }
        const info = on.getExtension('WEBGL_debug_renderer_info')
        const unmasked = info && on.getParameter(info.UNMASKED_RENDERER_WEBGL as number)
        const name = String(unmasked || `${on.getParameter(on.RENDERER)}, ${on.getParameter(on.VERSION)}`)
        const side = on.getParameter(on.MAX_TEXTURE_SIZE) as number
        // gpu.js computes a place in a texture with float32 numbers, which hold whole ones up to 2^24.
        const largest = Math.min(2 ** 24, side * side)
        return { name, software: /swiftshader|llvmpipe|softpipe|basic render/i.test(name), largest }
      }),

    // gpu.js copies an input before it hands it on, so that shared memory, which no graphics interface takes, will do.
    upload: put,

    multiply({ id, a, b, bias, batch, m, n, k }, out, apart) {
      // One kernel for all loops up to a power of two: no new shader for each batch.
      const loop = 2 ** Math.max(4, Math.ceil(Math.log2(k)))
      const held = mode === 'webgpu' ? 'WebGPUBuffer' : 'ArrayTexture(1)'
      const side = [held, 'Integer', 'Integer', 'Integer', 'Integer']
      const x = 'a[ao + this.thread.z * az + this.thread.y * ar + i * ac]'
      const y = 'b[bo + this.thread.z * bz + i * br + this.thread.x * bc]'
      const source = `function(a, ao, az, ar, ac, b, bo, bz, br, bc, k${bias ? ', bias' : ''}) {
        let sum = ${bias ? 'bias[this.thread.x]' : '0.0'};
        for (let i = 0; i < k; i++) { sum += ${x} * ${y}; }
        return sum;
      }`
      const types = [...side, ...side, 'Integer', ...(bias ? ['Input'] : [])]
      const kernel = kernelOf(`${bias ? 'linear' : 'matmul'} ${loop}`, source, types, loop)
      const args = [a, b].flatMap((o) => [handles.get(o.id), o.offset, o.step, o.row, o.col])
      const extra = bias ? [gpujs.input(bias, [n])] : []
      const began = now()
      return then(run(kernel, [n, m, batch], [...args, k, ...extra]), (handle) => {
        handles.set(id, handle)
        return then(apart ? settled() : undefined, () => {
          const computed = now()
          return then(handle.toArray(), (rows) => {
            flatten(rows, out, 0)
            return { compute: computed - began, read: now() - computed }
          })
        })
      })
    },

    free(id) {
      handles.get(id)?.delete()
      handles.delete(id)
    },

    census: () => ({ objects, arrays: handles.size }),

    isLost: () =>
      gone ||
      (context !== null && (mode === 'webgpu' ? context.isLost : (context.isContextLost?.() ?? false))),

    lose() {
      if (mode === 'webgpu') {
        context!.device.destroy()
        return context!.device.lost.then(() => {})
      }
      const extension = context!.getExtension(
        mode === 'webgl2' ? 'WEBGL_lose_context' : 'STACKGL_destroy_context',
      )
      // headless-gl's context object survives as an empty shell that knows nothing of its end.
      gone = true
      for (const end of ['loseContext', 'destroy'])
        if (typeof extension?.[end] === 'function') (extension[end] as () => void)()
    },

    close() {
      for (const handle of handles.values()) handle.delete()
      handles.clear()
      gpu.destroy()
      if (mode === 'webgpu') context?.device.destroy()
    },
  }
}
