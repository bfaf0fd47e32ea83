// Two hosts as two network namespaces: the store and a worker on one, a worker on the other, and a cable between them.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pause, startStore, until } from './store.mjs'
import { attempts, parentOf, published, startWorker, tinystill } from './world.mjs'

const ip = (...args) => {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}
const [NEAR, FAR] = ['tinystill-a', 'tinystill-b']
const inside = (name) => ['ip', 'netns', 'exec', name]

/** `add`: the command line that fills the queue; `parts`: how many there are. */
export async function twoHosts({ folder, must, add, parts, joined }) {
  if (spawnSync('ip', ['netns', 'add', NEAR]).status !== 0)
    return 'not tried: no network namespace can be made here'
  const caches = join(folder, 'hosts')
  let store = null
  try {
    ip('netns', 'add', FAR)
    ip('link', 'add', 'tsa', 'netns', NEAR, 'type', 'veth', 'peer', 'name', 'tsb', 'netns', FAR)
    for (const [name, link, address] of [
      [NEAR, 'tsa', '10.77.0.1/24'],
      [FAR, 'tsb', '10.77.0.2/24'],
    ]) {
      ip('-n', name, 'addr', 'add', address, 'dev', link)
      ip('-n', name, 'link', 'set', link, 'up')
      ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    store = await startStore(join(folder, 'redis-hosts'), {}, { host: '10.77.0.1', inside: inside(NEAR) })
    const added = tinystill(folder, store.url, ...add, { inside: inside(NEAR) })
    must(added.status === 0, added.said)
    const start = (name) => startWorker(folder, store.url, ['--lease', '2'], inside(name))
    const [near, far] = [start(NEAR), start(FAR)]
    const busy = () => attempts(caches).find(({ pid }) => parentOf(pid) === far.pid)
    let cuts = 0
    for (const share of [0.2, 0.6]) {
      const enough = share * parts
      await until('parts', () => published(caches).length >= enough, 600_000)
      await until('a part on the far host', busy, 120_000)
      ip('-n', FAR, 'link', 'set', 'tsb', 'down')
      await pause(8000)
      ip('-n', FAR, 'link', 'set', 'tsb', 'up')
      cuts++
    }
    await until('all parts', () => published(caches).length === parts, 600_000)
    for (const worker of [near, far]) worker.child.kill('SIGTERM')
    await Promise.all([near.ended, far.ended])
    joined()
    const lines = far
      .said()
      .split('\n')
      .filter((line) => /rows\/s/.test(line)).length
    return `${cuts} cuts of 8 s, lease 2 s; ${lines} parts by the far host; the bytes of one run`
  } finally {
    await store?.kill()
    for (const name of [NEAR, FAR]) spawnSync('ip', ['netns', 'del', name])
  }
}
