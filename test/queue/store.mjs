// A redis-server of our own: on 127.0.0.1, a free port, a temporary folder, a password. It can be killed and started again.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

export const PASSWORD = 'a-password-that-nobody-may-see'

export const hasRedis = () => spawnSync('redis-server', ['--version']).status === 0

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until it gives something. Throws after a generous time, naming what did not happen. */
export async function until(what, ask, ms = 300_000) {
  const end = performance.now() + ms
  while (performance.now() < end) {
    const found = await ask()
    if (found) return found
    await pause(50)
  }
  throw new Error(`${what}: not within ${ms / 1000} s`)
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/** Whether it answers commands, which while it reads its file it does not. */
const answers = (host, port) =>
  new Promise((resolve) => {
    const socket = connect(port, host)
    const end = (is) => {
      socket.destroy()
      resolve(is)
    }
    socket.setTimeout(2000, () => end(false))
    socket.on('error', () => end(false))
    socket.on('connect', () => socket.write(`AUTH ${PASSWORD}\r\nPING\r\n`))
    let said = ''
    socket.on('data', (data) => {
      said += data
      if (said.includes('PONG')) end(true)
      else if (said.includes('LOADING')) end(false)
    })
  })

/** `settings`: as in redis.conf. `inside`: words before the command, as `ip netns exec NAME`. */
export async function startStore(folder, settings = {}, { host = '127.0.0.1', inside = [] } = {}) {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const log = openSync(join(folder, 'log'), 'a')
  const all = {
    ...{ port, bind: host, dir: folder, requirepass: PASSWORD, save: '' },
    ...{ appendonly: 'yes', 'maxmemory-policy': 'noeviction', ...settings },
  }
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)])
  const [command, ...args] = [...inside, 'redis-server', ...words]
  let child
  const store = {
    url: `redis://:${PASSWORD}@${host}:${port}`,
    async start() {
      child = spawn(command, args, { stdio: ['ignore', log, log] })
      // From another network nobody can ask; its log tells then.
      if (inside.length > 0) return pause(1000)
      await until('redis-server', () => answers(host, port))
    },
    async kill() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
  }
  await store.start()
  return store
}
