// push against a hub on this machine: what it sends, what it never sends, and that it looks at what came.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadPretrained } from '../../src/files/models/on-disk.js'
import '../../src/index.js'
import { pull } from '../../src/files/hub/hub.js'
import { filesToPush, type PushOptions, push } from '../../src/files/hub/push.js'
import { run as program } from './program.js'
import { WritableHub } from './writable-hub.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-push-'))
const hub = new WritableHub()
beforeAll(() => hub.start())
afterAll(() => {
  hub.stop()
  rmSync(root, { recursive: true })
})

const source = join(import.meta.dirname, '../golden/family/bert-classify')
let folder = ''
let count = 0
beforeEach(() => {
  folder = join(root, `${count++}`)
  mkdirSync(join(folder, 'onnx'), { recursive: true })
  for (const name of ['config.json', 'model.safetensors']) cpSync(join(source, name), join(folder, name))
  writeFileSync(join(folder, 'onnx/model.onnx'), new Uint8Array(350_000).fill(7))
  writeFileSync(join(folder, 'run.json'), '{"command":"/home/somebody/secret"}')
  writeFileSync(join(folder, 'metrics.jsonl'), '{}')
  hub.models.clear()
  hub.objects.clear()
  hub.commits.length = 0
  hub.log = []
  hub.damage = null
  hub.multipartFrom = Number.POSITIVE_INFINITY
})

const send = (options: Partial<PushOptions> = {}) =>
  push({
    ...{ id: 'me/m', files: filesToPush(folder, '# card\n'), token: hub.writeToken, message: 'first' },
    ...{ endpoint: hub.url },
    ...options,
  })
const names = ['.gitattributes', 'README.md', 'config.json', 'model.safetensors', 'onnx/model.onnx']

describe('push', () => {
  it('sends what makes the model, in one commit, and what comes back loads', async () => {
    const shares = new Map<string, number>()
    const pushed = await send({ onProgress: (name, share) => shares.set(name, share) })
    expect(pushed.files.map((f) => f.name)).toEqual(names)
    expect(hub.commits).toEqual([{ id: 'me/m', summary: 'first', paths: names, private: false }])
    expect(hub.models.get('me/m')!.large).toEqual(['model.safetensors', 'onnx/model.onnx'])
    expect(shares.get('onnx/model.onnx')).toBe(1)
    const out = join(folder, 'back')
    await pull({ id: 'me/m', out, cache: join(folder, 'cache'), endpoint: hub.url })
    expect(loadPretrained(out).model.countParameters()).toBe(loadPretrained(source).model.countParameters())
    // The token goes to the hub and nowhere else.
    expect(hub.log.filter((line) => line.startsWith('cdn') && line.endsWith('token'))).toEqual([])
  })

  it('sends a large file in parts, and none that is there already', async () => {
    hub.multipartFrom = 300_000
    await send()
    expect(hub.log.filter((line) => line.startsWith('cdn PUT')).length).toBe(1 + 4)
    hub.log = []
    await send({ message: 'again' })
    expect(hub.log.filter((line) => line.startsWith('cdn PUT'))).toEqual([])
    expect(hub.commits.map(({ summary }) => summary)).toEqual(['first', 'again'])
  })

  it('makes a private model where that is asked for', async () => {
    await send({ private: true })
    expect(hub.commits[0].private).toBe(true)
  })

  it('notices what came otherwise', async () => {
    hub.damage = (path, content) => (path === 'config.json' ? content.subarray(1) : content)
    await expect(send()).rejects.toThrow(
      'me/m: the hub lists "config.json" with another size or hash after the commit',
    )
    hub.damage = (path, content) => (path === 'README.md' ? content.map((c) => c ^ 1) : content)
    await expect(send()).rejects.toThrow('"README.md" with another size or hash')
  })

  it('names what stands in the way', async () => {
    await expect(send({ token: 'hf_other' })).rejects.toThrow(
      'does not know the token. Make one that may write',
    )
    await expect(send({ id: 'you/m' })).rejects.toThrow('you/m: the token may not write there')
    await expect(send({ id: 'm' })).rejects.toThrow('m: names no owner. Names look like owner/name')
    await expect(send({ id: '../m' })).rejects.toThrow('is no name of a model')
    await expect(send({ endpoint: 'http://hub.example' })).rejects.toThrow('would get the token unencrypted')
    await expect(send({ endpoint: 'http://127.0.0.1:9' })).rejects.toThrow('cannot be reached')
    expect(hub.commits).toEqual([])
  })
})

describe('filesToPush', () => {
  it('leaves records and all that it does not know here, unless they are named', () => {
    expect(filesToPush(folder, '').map((f) => f.name)).toEqual(names)
    expect(filesToPush(folder, '', ['run.json']).map((f) => f.name)).toEqual([...names, 'run.json'])
    expect(() => filesToPush(folder, '', ['nothing'])).toThrow('has no "nothing". See --also')
  })

  it('leads nowhere out of the folder', () => {
    writeFileSync(join(root, 'secret'), 'x')
    expect(() => filesToPush(folder, '', ['../secret'])).toThrow('lies outside the folder')
    symlinkSync(join(root, 'secret'), join(folder, 'link'))
    expect(() => filesToPush(folder, '', ['link'])).toThrow('is a link out of its folder')
    rmSync(join(folder, 'config.json'))
    expect(() => filesToPush(folder, '')).toThrow('has no config.json. Name the folder of a model')
  })
})

describe('tinystill push', () => {
  const run = (...args: string[]) => program('push', ...args, '--endpoint', hub.url)
  const before = process.env.HF_TOKEN
  afterAll(() => {
    if (before === undefined) delete process.env.HF_TOKEN
    else process.env.HF_TOKEN = before
  })

  it('shows what it would send, and speaks to nobody', async () => {
    const { code, out } = await run(folder, 'me/m')
    expect(code).toBe(0)
    for (const name of names) expect(out).toContain(name)
    expect(out).toContain('Nothing was sent: add --yes. A model that is new there will be public')
    expect(out).not.toContain('run.json')
    expect(hub.log).toEqual([])
  })

  it('sends with --yes, with a card, and takes the token from the environment alone', async () => {
    delete process.env.HF_TOKEN
    expect((await run(folder, 'me/m', '--yes')).err).toContain('HF_TOKEN is not set')
    expect((await run(folder, 'me/m', '--yes', '--token', 'hf_x')).code).toBe(2)
    process.env.HF_TOKEN = hub.writeToken
    const { code, out, err } = await run(folder, 'me/m', '--yes')
    expect([code, err.includes(hub.writeToken), out.includes(hub.writeToken)]).toEqual([0, false, false])
    expect(out).toContain('the hub lists the same sizes and hashes')
    const card = Buffer.from(hub.models.get('me/m')!.files['README.md'] as Uint8Array).toString()
    expect(card).toContain(
      '---\nlibrary_name: transformers\npipeline_tag: text-classification\ntags:\n- tinystill\n- onnx\n- transformers.js\n---',
    )
    expect(card).toContain('Labels: red, green, blue.')
  })

  it('keeps a card of your own, and gives it what the hub looks for where that is missing', async () => {
    process.env.HF_TOKEN = hub.writeToken
    const sent = async (text: string) => {
      writeFileSync(join(folder, 'README.md'), text)
      await run(folder, 'me/m', '--yes')
      return Buffer.from(hub.models.get('me/m')!.files['README.md'] as Uint8Array).toString()
    }
    const whole = '---\nlicense: mit\n---\n# mine\n'
    expect(await sent(whole)).toBe(whole)
    expect(await sent('# mine\n')).toMatch(/^---\nlibrary_name[\s\S]*---\n\n# mine\n$/)
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('# mine\n')
  })
})
