// pull against a hub on this machine: what it fetches, how it goes on, and what it refuses.
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { main } from '../../src/cli/main.js'
import { type PullOptions, pull } from '../../src/files/hub/hub.js'
import { readCheckpoint } from '../../src/files/models/on-disk.js'
import { writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import { COMMIT, type Entry, type HubModel, MiniHub } from './hub.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-pull-'))
const hub = new MiniHub()
beforeAll(() => hub.start())
afterAll(() => {
  hub.stop()
  rmSync(root, { recursive: true })
})

const weights = writeSafetensors([['x', tensor(Float32Array.from({ length: 200_000 }, (_, i) => i))]])
const ordinary = (): HubModel => ({
  files: {
    'config.json': '{"model_type":"bert"}',
    'tokenizer.json': '{"model":{"type":"WordPiece"}}',
    '1_Pooling/config.json': '{}',
    'model.safetensors': weights,
    'pytorch_model.bin': 'x',
    'README.md': '# m',
    'onnx/model.onnx': 'x',
  },
  large: ['model.safetensors'],
})

let count = 0
let [out, cache] = ['', '']
beforeEach(() => {
  ;[out, cache] = [join(root, `${count}/out`), join(root, `${count++}/cache`)]
  hub.models.clear()
  hub.models.set('o/m', ordinary())
  hub.faults = []
  hub.log = []
})

const get = (options: Partial<PullOptions> = {}) =>
  pull({ id: 'o/m', out, cache, endpoint: hub.url, pause: 1, ...options })
const there = () => (readdirSync(out, { recursive: true }) as string[]).filter((f) => f.includes('.')).sort()
const isOrdinary = () => {
  expect(there()).toEqual(['1_Pooling/config.json', 'config.json', 'model.safetensors', 'tokenizer.json'])
  expect(Buffer.compare(readFileSync(join(out, 'model.safetensors')), weights)).toBe(0)
}
const fetched = (file: string) => hub.log.filter((line) => line.startsWith('cdn') && line.includes(file))

describe('pull', () => {
  it('fetches what is needed, through a redirect, and nothing twice', async () => {
    const progress: number[] = []
    const result = await get({ onProgress: (done, total) => progress.push(done / total) })
    isOrdinary()
    expect(result.commit).toBe(COMMIT)
    expect(progress.at(-1)).toBe(1)
    expect(progress.every((x, i) => i === 0 || x >= progress[i - 1])).toBe(true)
    hub.log = []
    expect((await get()).files.map((f) => f.from)).toEqual(Array(4).fill('folder'))
    rmSync(out, { recursive: true })
    expect((await get()).files.map((f) => f.from)).toEqual(Array(4).fill('cache'))
    isOrdinary()
    expect(hub.log.filter((line) => line.includes('resolve'))).toEqual([])
  })

  it('fetches shards', async () => {
    hub.models.set('o/m', {
      files: {
        'config.json': '{}',
        'model.safetensors.index.json':
          '{"weight_map":{"x":"model-1.safetensors","y":"model-2.safetensors"}}',
        'model-1.safetensors': writeSafetensors([['x', tensor([1])]]),
        'model-2.safetensors': writeSafetensors([['y', tensor([2])]]),
        'model-3.safetensors': 'not in the index',
      },
    })
    await get()
    expect([...readCheckpoint(out).tensors.keys()]).toEqual(['x', 'y'])
    expect(existsSync(join(out, 'model-3.safetensors'))).toBe(false)
  })

  it('goes on by itself after a cut, and after errors of the server', async () => {
    hub.faults = [
      { file: 'model.safetensors', cutAfter: 300_000 },
      { file: 'model.safetensors', status: 503 },
      { file: 'model.safetensors', cutAfter: 100_000 },
    ]
    await get()
    isOrdinary()
    const requests = fetched('model.safetensors')
    expect(requests.length).toBe(4)
    expect(requests[1]).toMatch(/bytes=[1-9]\d*-/)
    expect(requests[3]).toMatch(/bytes=[1-9]\d*-/)
  })

  it('goes on in a later run where an earlier one was cut', async () => {
    hub.faults = [
      { file: 'model.safetensors', cutAfter: 500_000 },
      { file: 'model.safetensors', status: 500, times: 99 },
    ]
    const error = await get().catch((e) => e as Error)
    expect(String(error)).toMatch(/status 500\. \d+ of 800\d+ bytes are kept: run the command again/)
    expect(existsSync(join(out, 'config.json'))).toBe(false)
    hub.faults = []
    hub.log = []
    await get()
    isOrdinary()
    expect(fetched('model.safetensors')).toEqual([expect.stringMatching(/bytes=[1-9]\d+-$/)])
  })

  it('goes on where an earlier one was killed', async () => {
    hub.faults = [{ file: 'model.safetensors', cutAfter: 400_000, silent: true }]
    const bin = join(import.meta.dirname, '../../dist/cli/bin.js')
    const args = ['pull', 'o/m', '--out', out, '--cache', cache, '--endpoint', hub.url]
    const child = spawn(process.execPath, [bin, ...args], { stdio: 'ignore' })
    const closed = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
    const store = join(cache, 'o--m')
    const kept = () => {
      const name = existsSync(store) ? readdirSync(store).find((f) => f.length > 64) : undefined
      return name === undefined ? 0 : statSync(join(store, name)).size
    }
    while (kept() < 400_000 && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGKILL')
    expect(await closed).toBe('SIGKILL')
    expect(existsSync(join(out, 'config.json'))).toBe(false)
    hub.log = []
    await get()
    isOrdinary()
    expect(fetched('model.safetensors')).toEqual([expect.stringMatching(/bytes=400000-$/)])
  })

  it('starts over where the server sends the whole again, or the part kept is of another file', async () => {
    hub.faults = [
      { file: 'model.safetensors', cutAfter: 300_000 },
      { file: 'model.safetensors', ignoreRange: true },
    ]
    await get()
    isOrdinary()
    rmSync(out, { recursive: true })
    const store = join(cache, 'o--m')
    const name = readdirSync(store).find((f) => f.length === 64)!
    rmSync(join(store, name))
    writeFileSync(join(store, `${name}.incomplete`), 'something else')
    await get()
    isOrdinary()
  })

  it('goes on when the connection falls silent', async () => {
    hub.faults = [{ file: 'model.safetensors', cutAfter: 300_000, silent: true }]
    await get({ patience: 100 })
    isOrdinary()
  })

  it('says that the disk is full, and leaves no model', async () => {
    if (!existsSync('/dev/full')) return
    await get()
    const store = join(cache, 'o--m')
    const name = readdirSync(store).find((f) => f.length === 64)!
    rmSync(join(store, name))
    rmSync(out, { recursive: true })
    symlinkSync('/dev/full', join(store, `${name}.incomplete`))
    await expect(get()).rejects.toThrow('cannot be written: the disk is full; what came before is kept')
    expect(there()).not.toContain('config.json')
  })

  it('takes a branch, a tag or a commit', async () => {
    const commit = 'a'.repeat(40)
    hub.models.get('o/m')!.revisions = { 'refs/pr/1': commit, [commit]: commit }
    expect((await get({ revision: commit })).commit).toBe(commit)
    await expect(get({ revision: 'v9' })).rejects.toThrow('o/m: has no revision "v9"')
  })

  it('sends the token to the hub alone', async () => {
    hub.models.get('o/m')!.token = 'hf_secret'
    await expect(get()).rejects.toThrow('o/m: does not exist, or is private or gated')
    await get({ token: 'hf_secret' })
    isOrdinary()
    expect(hub.log.filter((line) => line.startsWith('cdn') && line.includes('token'))).toEqual([])
    hub.models.get('o/m')!.gated = true
    await expect(get({ token: 'hf_secret' })).rejects.toThrow('is gated: your token has no access')
    await expect(get({ token: 'hf_a', endpoint: 'http://example.com' })).rejects.toThrow('unencrypted')
    await expect(get({ token: 'a\nb' })).rejects.toThrow('HF_TOKEN: is no token of the hub')
  })

  it('refuses a wrong checksum and keeps nothing of it', async () => {
    const other = weights.slice()
    other[other.length - 1] ^= 1
    hub.faults = [{ file: 'model.safetensors', instead: other, times: 9 }]
    await expect(get()).rejects.toThrow('has another checksum than the hub lists')
    expect(there()).not.toContain('model.safetensors')
    hub.faults = [
      { file: 'tokenizer.json', instead: new TextEncoder().encode('{"model":{"type":"WordPiecE"}}') },
    ]
    rmSync(join(out, 'tokenizer.json'))
    rmSync(join(cache, 'o--m'), { recursive: true })
    await expect(get()).rejects.toThrow('tokenizer.json: has another checksum')
    hub.faults = [{ file: 'model.safetensors', instead: new Uint8Array(900_000) }]
    await expect(get()).rejects.toThrow(`sends more than the ${weights.length} bytes`)
    hub.faults = []
    await get()
    isOrdinary()
  })

  it('repairs a file damaged in the cache or in the folder', async () => {
    await get()
    writeFileSync(join(out, 'config.json'), '{"model_type":"BERT"}')
    for (const name of readdirSync(join(cache, 'o--m'))) writeFileSync(join(cache, 'o--m', name), 'damaged')
    await get()
    isOrdinary()
    expect(readFileSync(join(out, 'config.json'), 'utf8')).toBe('{"model_type":"bert"}')
  })

  it.each<[string, (entries: Entry[]) => unknown, string]>([
    ['a name twice', (all) => [...all, all[0]], 'lists "config.json" twice'],
    ['a hash that is a path', (all) => [{ ...all[0], oid: '../../../x' }], 'without a good size and hash'],
    ['no hash', (all) => [{ ...all[0], oid: undefined }], 'without a good size and hash'],
    ['a negative size', (all) => [{ ...all[0], size: -1 }], 'without a good size and hash'],
    ['a name that is no text', (all) => [{ ...all[0], path: 7 }], 'without a good size and hash'],
    ['no list', () => ({ a: 1 }), 'does not answer as a hub does'],
    ['no config', (all) => all.slice(1), 'lacks "config.json"'],
    ['a file beyond all disks', (all) => [{ ...all[0], size: 2 ** 52 }, all[3]], 'MB are needed'],
    ['pickles alone', (all) => all.filter((e) => e.path !== 'model.safetensors'), 'as a Python pickle only'],
  ])('refuses a listing with %s', async (_, relist, text) => {
    hub.models.get('o/m')!.relist = relist
    await expect(get()).rejects.toThrow(text)
    expect(existsSync(join(out, 'config.json'))).toBe(false)
  })

  it('fetches no name that leaves the folder', async () => {
    const evil = [
      '../evil.safetensors',
      '/tmp/evil',
      '..\\evil',
      '1_Pooling/../../config.json',
      '.git/config',
    ]
    const { files } = ordinary()
    for (const name of evil) files[name] = 'evil'
    hub.models.set('o/m', { ...ordinary(), files })
    await get()
    isOrdinary()
    files['model.safetensors.index.json'] = '{"weight_map":{"x":"../evil.safetensors"}}'
    delete files['model.safetensors']
    await expect(get({ out: `${out}2` })).rejects.toThrow('is not the name of a .safetensors file beside it')
    expect(hub.log.filter((line) => /evil|\.git/.test(line))).toEqual([])
  })

  it.each([
    [{ id: 'o/other' }, 'o/other: does not exist, or is private or gated'],
    [{ id: '../m' }, '../m: is no name of a model'],
    [{ id: 'a/b/c' }, 'is no name of a model'],
    [{ endpoint: 'http://127.0.0.1:3' }, 'http://127.0.0.1:3: cannot be reached: nobody listens there'],
    [{ endpoint: 'http://no.such.host.invalid' }, 'http://no.such.host.invalid: cannot be reached: its host'],
    [{ endpoint: 'file:///etc' }, 'is no address of a hub'],
  ])('refuses %j', async (options, text) => {
    await expect(get(options)).rejects.toThrow(text)
  })

  it('refuses to mix two models in one folder', async () => {
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'vocab.txt'), 'mine')
    await expect(get()).rejects.toThrow("holds another model's vocab.txt")
    expect(there()).toEqual(['vocab.txt'])
  })

  it('is a command', async () => {
    const [said, told] = [[] as string[], [] as string[]]
    const environment = {
      stdout: { write: (s: string) => void said.push(s) },
      stderr: { write: (s: string) => void told.push(s) },
      lines: async function* () {},
      now: () => performance.now(),
    }
    const args = ['pull', 'o/m', '--out', out, '--cache', cache, '--endpoint', hub.url]
    expect(await main([...args, '--json'], environment)).toBe(0)
    expect(JSON.parse(said.join(''))).toMatchObject({ id: 'o/m', commit: COMMIT, out })
    expect(told.join('')).toMatch(/pulling o\/m/)
    isOrdinary()
    expect(await main(['pull', 'o/m'], environment)).toBe(2)
    expect(await main([...args, '--revision', 'v9'], environment)).toBe(1)
    expect(told.at(-1)).toMatch(/^tinystill: o\/m: has no revision "v9".*\n$/)
  })
})
