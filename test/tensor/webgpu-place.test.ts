// Which package webgpu is taken: the application's own comes before the one that npm hides below gpu.js.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { openGpu } from '../../src/tensor/backend.js'

/** An application with gpu.js, and packages webgpu which say in the error of their device where they are. */
function application(webgpus: Record<string, string>): { root: string; gpujs: string } {
  const root = mkdtempSync(join(tmpdir(), 'tinystill-gpu-'))
  const at = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    return join(root, path)
  }
  for (const [folder, says] of Object.entries(webgpus)) {
    at(`${folder}/package.json`, '{ "name": "webgpu", "main": "index.cjs" }')
    at(`${folder}/index.cjs`, `exports.globals = {}; exports.create = () => { throw new Error('${says}') }`)
  }
  return { root, gpujs: at('node_modules/gpu.js/index.js', 'module.exports = {}') }
}

const [own, nested] = ['node_modules/webgpu', 'node_modules/gpu.js/node_modules/webgpu']

afterEach(() => void vi.restoreAllMocks())

test.each([
  [
    'the application has one',
    { [own]: 'taken: its own', [nested]: 'taken: the nested one' },
    'taken: its own',
  ],
  ['gpu.js alone has one', { [nested]: 'taken: the nested one' }, 'taken: the nested one'],
])('%s', async (_, webgpus, says) => {
  const { root, gpujs } = application(webgpus)
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  await expect(openGpu({ mode: 'webgpu', gpujs })).rejects.toThrow(says)
})
