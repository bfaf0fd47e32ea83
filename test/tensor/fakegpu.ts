// A gpu.js of our own, in a folder of its own, that computes with plain loops: what the backend around gpu.js does can be
// tested without one. What is wrong with it is chosen by a name.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const GPU_JS = `
const gl = require('gl')
const flaw = process.env.TINYSTILL_FAKE_FLAW
const calls = (globalThis.fakeGpuCalls = { contexts: 0, kernels: 0, uploads: 0, products: 0 })
class GPU {
  constructor({ mode }) {
    this.mode = mode
    this.context = gl(1, 1)
    calls.contexts++
    if (flaw === 'never again' && calls.contexts > 1) throw new Error('no more contexts')
  }
  createKernel(source, settings) {
    if (settings.precision !== 'single' || settings.tactic !== 'precision') throw new Error('not single')
    calls.kernels++
    const f = new Function('return ' + source)()
    let size = settings.output
    const { context } = this
    const kernel = (...args) => {
      if (context.lost) throw new Error('lost')
      if (flaw === 'fallback') return settings.onRequestFallback(args)
      const [x, y = 1, z = 1] = size
      const upload = !source.includes('sum')
      calls[upload ? 'uploads' : 'products']++
      const values = args.map((a) => (a && a.data) || a)
      const out = new Float32Array(x * y * z)
      for (let c = 0, i = 0; c < z; c++)
        for (let r = 0; r < y; r++)
          for (let q = 0; q < x; q++) out[i++] = f.call({ thread: { x: q, y: r, z: c } }, ...values)
      if (flaw === 'wrong' && !upload) out[out.length - 1] += 0.01
      const texture = context.createTexture()
      const rows = Array.from({ length: z * y }, (_, i) => out.subarray(i * x, (i + 1) * x))
      return { data: out, toArray: () => rows, delete: () => context.deleteTexture(texture) }
    }
    kernel.setOutput = (to) => (size = to)
    const modes = { cpu: 'cpu', webasm: 'webasm' }
    kernel.kernel = { constructor: { mode: modes[flaw] ?? 'gpu', name: 'Fake' }, context }
    return kernel
  }
  destroy() {}
}
module.exports = { GPU, input: (data) => ({ data }) }
`

const GL = `
module.exports = () => {
  const context = {
    ...{ RENDERER: 1, VERSION: 2, MAX_TEXTURE_SIZE: 3, lost: false },
    getParameter: (name) => [0, process.env.TINYSTILL_FAKE_DRIVER, 'v1', 4096][name],
    getExtension: (name) => (name === 'STACKGL_destroy_context' ? { destroy: () => (context.lost = true) } : null),
    isContextLost: () => context.lost,
    finish: () => {},
    createTexture: () => ({}),
    deleteTexture: () => {},
  }
  return context
}
`

export type Flaw = 'none' | 'wrong' | 'fallback' | 'cpu' | 'webasm' | 'never again'

/** Writes the packages gpu.js and gl; `gl`: what the second one is. Gives the path of gpu.js. */
export function fakeGpu(gl: 'built' | 'unbuilt' | 'missing' | 'no display' = 'built'): string {
  const root = mkdtempSync(join(tmpdir(), 'tinystill-gpu-'))
  const at = (name: string, text: string) => {
    const folder = join(root, 'node_modules', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.js'), text)
    return join(folder, 'index.js')
  }
  const texts = {
    built: GL,
    unbuilt: `throw new Error('Could not locate the bindings file. Tried:\\n here')`,
    'no display': 'module.exports = () => null',
  }
  if (gl !== 'missing') at('gl', texts[gl])
  return at('gpu.js', GPU_JS)
}
