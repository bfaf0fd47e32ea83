// The gpu backend around gpu.js, with a gpu.js of our own: what is refused, what is kept on the device, what a loss does.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import '../../src/index.js'
import { randn, tensor } from '../../src/autograd/create.js'
import { tidy } from '../../src/autograd/tidy.js'
import {
  backendReport,
  closeGpu,
  currentGpu,
  examine,
  type GpuOptions,
  raceBackends,
  setBackend,
  setDeterministic,
} from '../../src/tensor/backend.js'
import { runsOf } from '../../src/tensor/backends/gpu/matmul.js'
import { type Flaw, fakeGpu } from './fakegpu.js'

const calls = () =>
  (globalThis as unknown as { fakeGpuCalls: Record<'kernels' | 'uploads' | 'products', number> }).fakeGpuCalls

let warnings: string[] = []

function fake(flaw: Flaw = 'none', more: GpuOptions = {}, gl?: Parameters<typeof fakeGpu>[0]): GpuOptions {
  process.env.TINYSTILL_FAKE_FLAW = flaw
  return { mode: 'headlessgl', gpujs: fakeGpu(gl), warn: (line) => warnings.push(line), ...more }
}

beforeEach(() => {
  warnings = []
  process.env.TINYSTILL_FAKE_DRIVER = 'a fast card'
})

afterEach(() => {
  closeGpu()
  setDeterministic(false)
  setBackend('auto')
})

describe('setBackend gpu is refused', () => {
  it.each<[string, () => GpuOptions, RegExp]>([
    [
      'without gpu.js',
      () => ({ gpujs: 'no-such-gpu.js' }),
      /no-such-gpu.js is not installed. Run: npm install gpu.js webgpu$/,
    ],
    [
      'without gl',
      () => fake('none', {}, 'missing'),
      /headlessgl needs the package gl, which is not installed/,
    ],
    [
      'with gl unbuilt',
      () => fake('none', {}, 'unbuilt'),
      /the package gl is not built: Could not locate the bindings file.*npm rebuild gl/,
    ],
    [
      'without a display',
      () => fake('none', {}, 'no display'),
      /gets no context. It needs a display: run under xvfb-run/,
    ],
    [
      'with a driver that computes wrong',
      () => fake('wrong'),
      /headlessgl \(a fast card.*\) computes wrong: a product of \[3, 4\] x \[4, 5\] is off by [\d.e+]+ times the bound/,
    ],
    [
      'when gpu.js falls back',
      () => fake('fallback'),
      /gpu.js left headlessgl for a CPU mode: it cannot run the kernel/,
    ],
    ['when gpu.js computes in its mode cpu', () => fake('cpu'), /gpu.js left headlessgl for a CPU mode: cpu/],
    [
      'when gpu.js computes in its mode webasm',
      () => fake('webasm'),
      /gpu.js left headlessgl for a CPU mode: webasm/,
    ],
    [
      'for a mode of browsers',
      () => fake('none', { mode: 'webgl2' }),
      /webgl2 is not for here. Choose webgpu or headlessgl/,
    ],
  ])('%s', (_, options, text) => {
    let message = ''
    try {
      setBackend('gpu', options())
    } catch (error) {
      expect((error as Error).name).toBe('BackendError')
      message = (error as Error).message
    }
    expect(message).toMatch(text)
    expect(message).not.toContain('\n')
    expect(backendReport().backend).not.toBe('gpu')
    const a = tensor([[2]])
    expect(a.matmul(a).item()).toBe(4)
  })
})

describe('the gpu backend', () => {
  it('computes products and tells of it', () => {
    setBackend('gpu', fake())
    const report = backendReport()
    expect(report.backend).toBe('gpu')
    expect(report.kernels.matmul).toBe('gpu')
    expect(report.kernels.softmax).toBe('wasm')
    expect(report.gpu).toMatchObject({ mode: 'headlessgl', losses: [], why: 'asked for' })
    expect(report.gpu?.driver).toContain('a fast card')
    const before = calls().products
    const [x, w, b] = [randn([2, 3, 4]), randn([5, 4]), randn([5])]
    const y = x.linear(w, b)
    expect(calls().products).toBe(before + 1)
    setBackend('js')
    const want = x.linear(w, b).elements
    y.elements.forEach((v, i) => {
      expect(v).toBeCloseTo(want[i], 5)
    })
  })

  it('keeps operands and results on the device until they change or go', () => {
    setBackend('gpu', fake())
    const sent = (f: () => void) => {
      const before = calls().uploads
      f()
      return calls().uploads - before
    }
    const w = randn([6, 6])
    const x = randn([4, 6])
    expect(sent(() => void x.matmul(w).matmul(w))).toBe(2)
    expect(sent(() => void x.matmul(w.t()))).toBe(0)
    w.live[0] = 9
    const resent = sent(() => {
      const want = x.to('float64').matmul(w.to('float64')).elements
      x.matmul(w).elements.forEach((v, i) => {
        expect(v).toBeCloseTo(want[i], 4)
      })
    })
    expect(resent).toBe(1)
    const { device } = currentGpu()!
    const arrays = device.census().arrays
    tidy(() => void randn([3, 6]).matmul(randn([6, 3])))
    expect(device.census().arrays).toBe(arrays)
  })

  it('holds no more than its budget, and never gives back what a product needs', () => {
    setBackend('gpu', fake('none', { budget: 3000 }))
    const { device } = currentGpu()!
    const kept: unknown[] = []
    for (let i = 0; i < 20; i++) {
      const [a, b] = [randn([8, 8]), randn([8, 8])]
      const y = a.matmul(b)
      kept.push(a, b, y)
      const want = a.to('float64').matmul(b.to('float64')).elements
      y.elements.forEach((v, j) => {
        expect(v).toBeCloseTo(want[j], 4)
      })
      // 16 bytes an element on WebGL: two matrices fit.
      expect(device.census().arrays).toBeLessThanOrEqual(2)
    }
  })

  it('makes no new kernel for a new batch', () => {
    setBackend('gpu', fake())
    randn([3, 20]).matmul(randn([20, 5]))
    const before = calls().kernels
    for (const [m, k, n] of [
      [7, 30, 9],
      [1, 17, 2],
      [40, 32, 1],
    ])
      randn([m, k]).matmul(randn([k, n]))
    expect(calls().kernels).toBe(before + 0)
  })

  it('does a product again on wasm after a loss, says so, and opens a new device', () => {
    setBackend('gpu', fake())
    const [a, b] = [randn([3, 4]), randn([4, 2])]
    const want = a.matmul(b).toArray()
    currentGpu()!.device.lose()
    const products = calls().products
    const redone = a.matmul(b).elements
    expect(calls().products).toBe(products)
    expect(warnings).toEqual([
      expect.stringMatching(
        /^gpu: device lost in matmul \[3, 4\] x \[4, 2\] .*: done again on the processor$/,
      ),
    ])
    expect(backendReport().gpu?.losses).toHaveLength(1)
    redone.forEach((x, i) => {
      expect(x).toBeCloseTo((want as number[][]).flat()[i], 5)
    })
    a.matmul(b)
    expect(calls().products).toBe(products + 1)
  })

  it('stays on wasm where the device does not come back', () => {
    setBackend('gpu', fake('never again'))
    const a = randn([3, 3])
    currentGpu()!.device.lose()
    for (let i = 0; i < 3; i++) a.matmul(a)
    expect(warnings.filter((line) => line.includes('does not come back'))).toHaveLength(1)
    expect(backendReport().gpu?.why).toMatch(/does not come back: no more contexts/)
  })

  it("throws where onGpuLoss is 'throw'", () => {
    setBackend('gpu', fake('none', { onGpuLoss: 'throw' }))
    const a = randn([3, 3])
    currentGpu()!.device.lose()
    expect(() => a.matmul(a)).toThrow(/^gpu: device lost in matmul \[3, 3\] x \[3, 3\]/)
    expect(warnings).toEqual([])
  })

  it('stays out of what must be deterministic', () => {
    setBackend('gpu', fake())
    setDeterministic(true)
    expect(backendReport()).toMatchObject({ backend: 'wasm', build: 'strict' })
    expect(backendReport().why).toMatch(/no gpu/)
  })
})

describe('auto', () => {
  it('measures and leaves a slow device alone', () => {
    const { gpu, kernels } = raceBackends(fake())
    expect(gpu?.classes).toHaveLength(5)
    expect(gpu?.classes?.every((c) => c.winner === 'wasm' && c.wasm > 0)).toBe(true)
    expect(gpu?.why).toBe('slower than wasm at every size')
    expect(kernels.matmul).toBe('wasm')
  })

  it('never takes a renderer in software', () => {
    process.env.TINYSTILL_FAKE_DRIVER = 'llvmpipe (LLVM 15.0.6, 256 bits)'
    const { gpu } = raceBackends(fake())
    expect(gpu).toMatchObject({ software: true })
    expect(gpu?.why).toMatch(/llvmpipe.* computes on the processor/)
  })

  it('does without gpu.js', () => {
    const { gpu, backend } = raceBackends({ gpujs: 'no-such-gpu.js' })
    expect(gpu).toBeNull()
    expect(backend).toBe('wasm')
  })

  it('examines without leaving anything open', () => {
    const { classes } = examine()
    expect(classes.map((c) => c.winner)).toEqual(['wasm', 'wasm', 'wasm', 'wasm', 'wasm'])
    expect(backendReport().gpu).toBeNull()
  })
})

describe('runsOf', () => {
  it('cuts a batch where a step changes', () => {
    expect(runsOf([0, 6, 12], [0, 0, 0], 3)).toEqual([{ from: 0, count: 3, aStep: 6, bStep: 0 }])
    expect(runsOf([0, 0, 6, 6], [0, 4, 0, 4], 4)).toEqual([
      { from: 0, count: 2, aStep: 0, bStep: 4 },
      { from: 2, count: 2, aStep: 0, bStep: 4 },
    ])
    expect(runsOf([5], [7], 1)).toEqual([{ from: 0, count: 1, aStep: 0, bStep: 0 }])
  })
})
