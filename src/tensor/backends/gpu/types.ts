// What the parts of the gpu backend say to each other.

/** The modes of gpu.js that compute on a graphics interface. Its others, cpu and webasm, are never used. */
export const gpuModes = ['webgpu', 'webgl2', 'headlessgl'] as const
export type GpuMode = (typeof gpuModes)[number]

/** One product of a batch: element (z, r, c) lies at offset + z * step + r * row + c * col. */
export interface Layout {
  /** An uploaded array or an earlier result. */
  id: number
  offset: number
  step: number
  row: number
  col: number
}

/** The result [batch, m, n] = A B (+ bias), which gets the number `id` and is copied to `out` too. */
export interface Product {
  id: number
  a: Layout
  b: Layout
  /** [n], or null. */
  bias: Float32Array | null
  batch: number
  m: number
  n: number
  k: number
}

/** Milliseconds. With `apart`, the device was waited for in between; else all of it lies in `read`. */
export interface Times {
  compute: number
  read: number
}

/** What exists on the device, and in all how much of it is ours. */
export interface Census {
  /** GPU buffers, or textures. */
  objects: number
  /** Uploads and results that have not been freed. */
  arrays: number
}

export interface Driver {
  mode: GpuMode
  /** What the driver calls itself. */
  name: string
  /** The driver computes on the processor, whatever it is called. */
  software: boolean
  /** Elements an operand may have. */
  largest: number
}

/** A device as tensors see it: every call is done when it returns. Throws DeviceLost, or BackendError. */
export interface Device {
  readonly driver: Driver
  upload(id: number, data: Float32Array): void
  multiply(product: Product, out: Float32Array, apart: boolean): Times
  free(id: number): void
  census(): Census
  /** Breaks the device as a driver would, for tests. */
  lose(): void
  /** A new device in place of a lost one. Throws BackendError where there is none. */
  reopen(): void
  close(): void
}

/** The device or its context went away; what was on it is gone. */
export class DeviceLost extends Error {}
