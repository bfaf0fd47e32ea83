// One process a folder: the second is refused, one that died does not hold it, and of many takers one gets it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  checkHeld,
  isFileHeld,
  isLocked,
  LOCK,
  lockFile,
  lockFolder,
  tidyFileLock,
  tryLockFile,
} from '../../src/files/lock.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-lock-'))
afterAll(() => rmSync(root, { recursive: true }))
const lock = join(root, LOCK)
const put = (owner: unknown) => writeFileSync(lock, typeof owner === 'string' ? owner : JSON.stringify(owner))

const taker = `import { lockFolder } from ${JSON.stringify(new URL('../../dist/files/lock.js', import.meta.url).href)}
try { lockFolder(process.argv[1]); console.log('mine') } catch (e) { console.log(e.message) }
process.stdin.resume()`

/** A process that takes the folder and holds it until it is ended. */
async function other(): Promise<{
  pid: number
  said: string
  end: (signal: NodeJS.Signals) => Promise<void>
}> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', taker, root], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said = await new Promise<string>((resolve) =>
    child.stdout.once('data', (text) => resolve(String(text).trim())),
  )
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    ...{ pid: child.pid as number, said },
    end: async (signal) => {
      if (signal === 'SIGKILL') child.kill(signal)
      else child.stdin.end()
      await gone
    },
  }
}

describe('lockFolder', () => {
  it('is given back, and refused while it is held', () => {
    const release = lockFolder(root)
    expect(() => lockFolder(root)).toThrow(`is in use by process ${process.pid}. Wait for it`)
    release()
    expect(existsSync(lock)).toBe(false)
    lockFolder(root)()
    const file = join(root, 'more.tsv')
    const done = lockFile(file)
    expect(() => lockFile(file)).toThrow(`${file}: is in use by process ${process.pid}`)
    done()
  })

  it('refuses while another process has it, and takes over from one that was killed', async () => {
    const one = await other()
    expect(one.said).toBe('mine')
    expect(() => lockFolder(root)).toThrow(`${root}: is in use by process ${one.pid}`)
    await one.end('SIGKILL')
    expect(existsSync(lock)).toBe(true)
    lockFolder(root)()
    const two = await other()
    expect(two.said).toBe('mine')
    await two.end('SIGTERM')
    expect(existsSync(lock)).toBe(false)
  })

  it.each<[string, unknown]>([
    ['a process that is gone', { pid: 2 ** 22 + 1, started: null, host: hostname() }],
    ['a process whose number came again', { pid: process.pid, started: '1', host: hostname() }],
    ['nothing that can be read', '{"pid":'],
    ['no number of a process', { pid: -1, host: hostname() }],
  ])('takes over from %s', (_, owner) => {
    put(owner)
    lockFolder(root)()
    expect(existsSync(lock)).toBe(false)
  })

  it('leaves the lock of another machine alone while it is renewed, and takes over what was not for two minutes', () => {
    const theirs = { pid: 1, started: null, host: 'elsewhere' }
    const seconds = Date.now() / 1000
    put(theirs)
    utimesSync(lock, seconds - 100, seconds - 100)
    expect(() => lockFolder(root)).toThrow(
      /is in use by process 1 on elsewhere, which said so (99|100|101) s ago\. Wait/,
    )
    expect(readFileSync(lock, 'utf8')).toContain('elsewhere')
    utimesSync(lock, seconds - 130, seconds - 130)
    lockFolder(root)()
    expect(existsSync(lock)).toBe(false)
  })

  it('says so where another machine took it over, and leaves its lock', () => {
    const release = lockFolder(root)
    checkHeld(root)
    put({ pid: 1, started: null, host: 'elsewhere' })
    expect(() => checkHeld(root)).toThrow('was taken over by process 1 on elsewhere')
    release()
    expect(readFileSync(lock, 'utf8')).toContain('elsewhere')
    checkHeld(root)
    rmSync(lock)
  })

  it('tells whether it is held, and may be asked for without an error', () => {
    const file = join(root, 'run')
    const theirs = (pid: number, host: string) =>
      writeFileSync(`${file}.lock`, JSON.stringify({ pid, started: null, host }))
    const release = tryLockFile(file) as () => void
    expect([tryLockFile(file), isFileHeld(file), isLocked(root)]).toEqual([null, true, false])
    theirs(1, 'elsewhere')
    expect(isFileHeld(file)).toBe(false)
    release()
    tidyFileLock(file)
    expect(existsSync(`${file}.lock`)).toBe(true)
    theirs(2 ** 22 + 1, hostname())
    tidyFileLock(file)
    expect(existsSync(`${file}.lock`)).toBe(false)
    tidyFileLock(file)
    const folder = lockFolder(root)
    expect(isLocked(root)).toBe(true)
    folder()
  })

  it('is taken at once from another machine by those who are told to, and from a process here by none', () => {
    put({ pid: 1, started: null, host: 'elsewhere' })
    lockFolder(root, { takeOver: true })()
    expect(existsSync(lock)).toBe(false)
    const release = lockFolder(root)
    expect(() => lockFolder(root, { takeOver: true })).toThrow(`is in use by process ${process.pid}`)
    release()
  })

  it('is renewed by a thread while the main one computes', () => {
    // With the times of the thread shortened: it is the text of a program.
    const renew = readFileSync(new URL('../../dist/files/lock.js', import.meta.url), 'utf8').replace(
      '15_000',
      '50',
    )
    const copy = new URL('../../dist/files/lock-fast.js', import.meta.url)
    writeFileSync(copy, renew)
    try {
      const program = `import { lockFolder } from ${JSON.stringify(copy.href)}
        import { statSync, utimesSync } from 'node:fs'
        const release = lockFolder(process.argv[1])
        const lock = process.argv[1] + '/${LOCK}'
        // The thread is up when it renewed it once.
        const old = () => statSync(lock).mtimeMs < 1e12
        utimesSync(lock, 1e6, 1e6)
        const end = Date.now() + 20000
        while (old() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
        utimesSync(lock, 1e6, 1e6)
        while (old() && Date.now() < end);
        console.log(old() ? 'old' : 'renewed')
        release()`
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program, root], {
        encoding: 'utf8',
      })
      expect(stdout.trim()).toBe('renewed')
    } finally {
      rmSync(copy)
    }
    expect(existsSync(lock)).toBe(false)
  })

  it('has one winner of six that find it stale', async () => {
    put({ pid: 2 ** 22 + 1, started: null, host: hostname() })
    const all = await Promise.all(Array.from({ length: 6 }, other))
    const winners = all.filter(({ said }) => said === 'mine')
    expect(winners).toHaveLength(1)
    for (const { said } of all)
      if (said !== 'mine') expect(said).toContain(`is in use by process ${winners[0].pid}`)
    await Promise.all(all.map(({ end }) => end('SIGTERM')))
  })
})
