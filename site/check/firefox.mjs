// npm run check:site:firefox: in Debian's Firefox every cell of the lessons prints what its page shows, and the playground makes
// Node's student; `-- lessons/attention play` takes pages by name. Firefox is spoken to by WebDriver BiDi, which it brings itself: no driver, no build of its own.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkElsewhere, LIMIT } from './elsewhere.mjs'

const path = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
if (!existsSync(path)) {
  console.error(
    'check:site:firefox needs Firefox: apt-get install --no-install-recommends firefox-esr, or FIREFOX=path',
  )
  process.exit(1)
}

/** Node has one from version 22 on; playwright-core carries another. */
const Socket = globalThis.WebSocket ?? createRequire(import.meta.url)('playwright-core/lib/utilsBundle').ws

/** Firefox in a profile of its own -> its address. */
async function startFirefox() {
  const profile = mkdtempSync(join(tmpdir(), 'tinystill-firefox-'))
  const child = spawn(
    path,
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile },
    },
  )
  const address = await new Promise((resolve, reject) => {
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
      const [, found] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) ?? []
      if (found !== undefined) resolve(found)
    })
    child.on('exit', () => reject(new Error(`Firefox ended: ${said.slice(-500)}`)))
    setTimeout(() => reject(new Error(`Firefox does not answer: ${said.slice(-500)}`)), LIMIT).unref()
  })
  const end = () =>
    new Promise((resolve) => {
      child.removeAllListeners('exit')
      child.on('exit', () => {
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
        resolve()
      })
      child.kill()
    })
  return { address, end }
}

/** -> send(method, params). */
async function connect(address) {
  const socket = new Socket(`${address}/session`)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('no connection to Firefox'))
  })
  const waiting = new Map()
  let last = 0
  socket.onmessage = ({ data }) => {
    const { id, type, result, message } = JSON.parse(data)
    const one = waiting.get(id)
    if (one === undefined) return
    waiting.delete(id)
    if (type === 'error') one.reject(new Error(message))
    else one.resolve(result)
  }
  return (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      socket.send(JSON.stringify({ id, method, params }))
    })
}

/** -> { open, call, end } */
async function start() {
  const { address, end } = await startFirefox()
  const send = await connect(address)
  await send('session.new', { capabilities: {} })
  const { context } = await send('browsingContext.create', { type: 'tab' })
  return {
    open: (url) => send('browsingContext.navigate', { context, url, wait: 'complete' }),
    async call(f, ...given) {
      const { type, result, exceptionDetails } = await send('script.callFunction', {
        functionDeclaration: String(f),
        arguments: given.map((value) => ({ type: typeof value, value })),
        target: { context },
        awaitPromise: true,
      })
      if (type === 'exception') throw new Error(exceptionDetails.text)
      return result.value
    },
    end,
  }
}

await checkElsewhere('Firefox', start)
