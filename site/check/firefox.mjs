// npm run check:site:firefox: in Debian's Firefox every cell of the lessons prints what its page shows, and the playground makes
// Node's student; `-- lessons/attention play` takes pages by name. Firefox is spoken to by WebDriver BiDi, which it brings itself: no driver, no build of its own.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pages } from './pages.mjs'
import { playsInFirefox } from './play-firefox.mjs'
import { serve } from './server.mjs'

const DIST = fileURLToPath(new URL('../.vitepress/dist', import.meta.url))
const LIMIT = 240_000
const path = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
if (!existsSync(path)) {
  console.error(
    'check:site:firefox needs Firefox: apt-get install --no-install-recommends firefox-esr, or FIREFOX=path',
  )
  process.exit(1)
}
const names = process.argv.slice(2)

/** Node has one from version 22 on; playwright-core carries another. */
const Socket = globalThis.WebSocket ?? createRequire(import.meta.url)('playwright-core/lib/utilsBundle').ws

/** Firefox in a profile of its own -> its address. */
async function start() {
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

/** In the page: runs a cell as a reader does, and gives what it then shows. */
async function press(id, limit) {
  const until = async (what) => {
    for (let t = 0; t < limit; t += 50) {
      const found = what()
      if (found) return found
      await new Promise((r) => setTimeout(r, 50))
    }
    throw new Error(`cell ${id} is not done`)
  }
  const cell = await until(() => document.querySelector(`[data-cell="${id}"]`))
  // The server's markup has buttons before its scripts hear them.
  await until(() => document.querySelector('#app')?.__vue_app__)
  cell.querySelector('button.run').click()
  await until(() => /Ran|Ended|Stopped/.test(cell.querySelector('.cell-state').textContent))
  return (cell.querySelector('.cell-output')?.textContent ?? '').trimEnd()
}

const site = await serve(DIST)
const { address, end } = await start()
const send = await connect(address)
await send('session.new', { capabilities: {} })
const { context } = await send('browsingContext.create', { type: 'tab' })

/** Runs a function in the page that is open. */
async function call(f, ...given) {
  const { type, result, exceptionDetails } = await send('script.callFunction', {
    functionDeclaration: String(f),
    arguments: given.map((value) => ({ type: typeof value, value })),
    target: { context },
    awaitPromise: true,
  })
  if (type === 'exception') throw new Error(exceptionDetails.text)
  return result.value
}
const open = (url) => send('browsingContext.navigate', { context, url, wait: 'complete' })

let [passed, failed] = [0, 0]
async function check(name, f) {
  try {
    const detail = await f()
    passed++
    if (detail) console.log(`ok      ${name}: ${detail}`)
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}: ${error.message}`)
  }
}

const wanted = (path, usual) => (names.length === 0 ? usual : names.some((it) => path.startsWith(it)))
for (const { path, cells } of await pages()) {
  if (cells.length === 0 || !wanted(path, path.startsWith('lessons/'))) continue
  await open(`${site.origin}/${path}.html`)
  for (const cell of cells)
    await check(`${path}, cell ${cell.id}`, async () => {
      const output = await call(press, cell.id, LIMIT)
      if (cell.check === '' ? output !== cell.output : output.includes('Right.'))
        throw new Error(`the page shows\n${cell.output}\nand it prints\n${output}`)
    })
}
if (wanted('play', true)) await playsInFirefox({ dist: DIST, open, call, check, limit: LIMIT })
console.log(`Firefox: ${passed} passed, ${failed} failed`)
await end()
site.close()
process.exit(failed > 0 ? 1 : 0)
