// npm run check:site:webkit: the same as check:site:firefox in Debian's WebKitGTK, by its driver and on a screen that nobody sees:
// apt-get install --no-install-recommends webkit2gtk-driver xvfb. `-- lessons/attention play` takes pages by name.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkElsewhere, LIMIT } from './elsewhere.mjs'

const driver = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver'

/** The browser that comes with the driver; its folder is named by the machine and the version. */
function miniBrowser() {
  if (process.env.WEBKIT) return process.env.WEBKIT
  const folders = readdirSync('/usr/lib').flatMap((name) => {
    const at = join('/usr/lib', name)
    return /-linux-gnu/.test(name) ? readdirSync(at).map((it) => join(at, it, 'MiniBrowser')) : []
  })
  return folders.filter((path) => /webkit2?gtk-/.test(path) && existsSync(path)).at(-1)
}

const binary = existsSync('/usr/lib') ? miniBrowser() : undefined
if (!existsSync(driver) || !existsSync('/usr/bin/Xvfb') || binary === undefined) {
  console.error(
    'check:site:webkit needs WebKitGTK and a screen: apt-get install --no-install-recommends webkit2gtk-driver xvfb, or WEBKIT_DRIVER=path WEBKIT=path',
  )
  process.exit(1)
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

/** A screen -> its name, ':7'. */
function screen() {
  const child = spawn(
    '/usr/bin/Xvfb',
    ['-displayfd', '1', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => resolve({ child, name: `:${String(text).trim()}` }))
    child.on('exit', () => reject(new Error('Xvfb ended')))
  })
}

/** -> { open, call, end }: WebDriver, https://www.w3.org/TR/webdriver2/. */
async function start() {
  const home = mkdtempSync(join(tmpdir(), 'tinystill-webkit-'))
  const display = await screen()
  const port = await freePort()
  const child = spawn(driver, [`--port=${port}`], {
    stdio: ['ignore', 'ignore', process.env.WEBKIT_SAYS ? 'inherit' : 'ignore'],
    env: {
      ...process.env,
      ...{ HOME: home, DISPLAY: display.name, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' },
      // The browser sees pages of ours alone; as root, in a container, its sandbox does not start.
      ...{ WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', WEBKIT_DISABLE_DMABUF_RENDERER: '1' },
    },
  })
  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(2 * LIMIT),
    })
    const { value } = await answer.json()
    if (!answer.ok) throw new Error(value.message || value.error)
    return value
  }
  const began = performance.now()
  for (;;)
    try {
      await ask('GET', '/status')
      break
    } catch (error) {
      if (performance.now() - began > LIMIT) throw error
      await new Promise((r) => setTimeout(r, 100))
    }
  const { sessionId } = await ask('POST', '/session', {
    capabilities: {
      alwaysMatch: {
        'webkitgtk:browserOptions': { binary, args: ['--automation'] },
        timeouts: { script: LIMIT, pageLoad: LIMIT },
      },
    },
  })
  const own = `/session/${sessionId}`
  return {
    open: (url) => ask('POST', `${own}/url`, { url }),
    async call(f, ...given) {
      const script = `const done = arguments[arguments.length - 1]
        const given = Array.from(arguments).slice(0, -1)
        Promise.resolve().then(() => (${f})(...given)).then((value) => done({ value }), (error) => done({ error: String(error) }))`
      const { value, error } = await ask('POST', `${own}/execute/async`, { script, args: given })
      if (error !== undefined) throw new Error(error)
      return value
    },
    async end() {
      await ask('DELETE', own).catch(() => {})
      child.kill()
      display.child.removeAllListeners('exit')
      display.child.kill()
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

await checkElsewhere('WebKitGTK', start)
