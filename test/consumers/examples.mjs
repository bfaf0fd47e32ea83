// The examples of examples/, each copied beside the consumers' packages and run on its host: what it says is held to what it should.
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { asked } from '../../examples/model/texts.js'
import { serve } from '../../site/check/server.mjs'
import { findChromium, startChromium } from '../browser/chromium.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const LIMIT = 180_000
const MADE = new Set(['node_modules', 'dist', 'model', 'public', '.next', 'sw.js'])

function must(condition, complaint) {
  if (!condition) throw new Error(complaint)
}

/** A process in its own group, until it says where it listens; all of it is ended behind `use`. */
async function listening(command, args, { cwd, env = {} }, use) {
  const child = spawn(command, args, {
    ...{ cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    env: { ...process.env, PORT: '0', NO_COLOR: '1', ...env },
  })
  let said = ''
  const ended = new Promise((resolve) => child.on('exit', resolve))
  try {
    const origin = await new Promise((resolve, reject) => {
      const hear = (text) => {
        said += text
        const [found] = /http:\/\/localhost:\d+/.exec(said) ?? []
        if (found !== undefined) resolve(found)
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.on('error', reject)
      child.on('exit', (code) => reject(new Error(`it ended with ${code}: ${said.slice(-800)}`)))
      setTimeout(() => reject(new Error(`it does not listen: ${said.slice(-800)}`)), LIMIT).unref()
    })
    await use(origin)
  } finally {
    try {
      process.kill(-child.pid)
    } catch {
      // It has ended by itself.
    }
    await ended
  }
}

/** What a server says of the message that the model has not seen; and that it refuses what is none. */
async function mustClassify(origin) {
  const { label } = await (await fetch(`${origin}/classify?text=${encodeURIComponent(asked.text)}`)).json()
  must(label === asked.label, `it says ${label} of '${asked.text}'`)
  const empty = await fetch(`${origin}/classify?text=`)
  must(empty.status === 404, `without a text it answers ${empty.status}`)
}

let browser = null

/** Opens a page, with what it complains of, and closes it behind `use`. */
async function inPage(address, use) {
  browser ??= await startChromium(findChromium())
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(LIMIT)
    const complaints = []
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(address)
    try {
      await use(page, context)
    } finally {
      must(complaints.length === 0, complaints.join('; '))
    }
  } finally {
    await context.close()
  }
}

export const closeBrowser = () => browser?.close()

/** Presses a button when it can be, and holds what the page then says to the label. */
async function press(page, name) {
  await page.getByRole('button', { name }).click()
  await page.locator('output', { hasText: asked.label }).waitFor()
}

/** `run`, `node`, `packed`, `binary` and `work` are run.mjs's. */
export function exampleChecks({ run, node, packed, binary, work }) {
  const place = join(work, 'examples')
  const versions = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  const tried = { ...versions.dependencies, ...versions.optionalDependencies }

  /** An example as it is in the repository. What it installs is what the consumers have. */
  function copied(name) {
    const from = join(root, 'examples', name)
    const to = join(place, name)
    rmSync(to, { recursive: true, force: true })
    cpSync(from, to, {
      recursive: true,
      filter: (path) => path === from || !MADE.has(path.slice(from.length + 1)),
    })
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(to, 'package.json'), 'utf8'))
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies }))
      must(
        name === 'tinystill' || tried[name] === version,
        `it asks for ${name} ${version}, here is ${tried[name]}`,
      )
    return to
  }

  /** A model by make.js, which must answer nearly all texts that were held back. */
  function make(out, runtime = (args, options) => node(args, options)) {
    const said = runtime([join(copied('model'), 'make.js'), out], { cwd: join(place, 'model') })
    const [, right, all] = /(\d+) of (\d+) right/.exec(said) ?? []
    must(Number(right) >= 0.9 * Number(all), `the model: ${said.slice(-500)}`)
  }

  let made = false
  /** An example with the model where it looks for it. */
  function withModel(name, where = 'model') {
    const kept = join(place, 'made')
    if (!made) make(kept)
    made = true
    const to = copied(name)
    cpSync(kept, join(to, where), { recursive: true })
    return to
  }

  const build = (to, args) => run(packed('.bin', 'esbuild'), args, { cwd: to })
  /** The command of a script in package.json, without its first word. */
  const script = (to, name) =>
    JSON.parse(readFileSync(join(to, 'package.json'), 'utf8'))
      .scripts[name].split(' ')
      .slice(1)

  const page = (check) => () => (findChromium() === null ? 'there is no Chromium (CHROMIUM=path)' : check())

  async function atHost(folder, use, headers) {
    const site = await serve(folder, headers)
    try {
      await use(site.origin)
    } finally {
      site.close()
    }
  }

  const runtime = (name, flags, file) => async () => {
    const command = binary(name)
    if (command === null) return `${name} has no binary for here`
    make(join(place, `made-by-${name}`), (args, options) => run(command, [...flags.model, ...args], options))
    const to = withModel(name)
    await listening(command, [...flags.server, file], { cwd: to }, mustClassify)
  }

  async function next(flag) {
    const to = withModel('next', 'public/model')
    // Without it Next takes the outermost lock file for the project's.
    writeFileSync(
      join(to, 'next.config.mjs'),
      `export default { turbopack: { root: ${JSON.stringify(work)} } }`,
    )
    const env = { NEXT_TELEMETRY_DISABLED: '1', CI: '1' }
    const bin = packed('next', 'dist/bin/next')
    const said = node([bin, 'build', `--${flag}`], { cwd: to, env })
    must(!/Critical dependency/.test(said), said)
    await listening(process.execPath, [bin, 'start', '-p', '0'], { cwd: to, env }, async (origin) => {
      await mustClassify(origin)
      if (findChromium() === null) return
      await inPage(origin, async (page) => {
        await press(page, 'Ask in this tab')
        await page.reload()
        await press(page, 'Ask the server')
      })
    })
  }

  const checks = {
    async node() {
      await listening(process.execPath, ['server.js'], { cwd: withModel('node') }, mustClassify)
    },
    deno: runtime(
      'deno',
      {
        model: ['run', '-A', '--node-modules-dir=manual'],
        server: ['run', '--allow-net', '--allow-read', '--allow-env', '--allow-sys'],
      },
      'server.ts',
    ),
    bun: runtime('bun', { model: ['run'], server: ['run'] }, 'server.ts'),
    html: page(() => {
      const to = copied('html')
      symlinkSync(join(work, 'node_modules'), join(to, 'node_modules'))
      return atHost(to, (origin) =>
        inPage(origin, async (page) => {
          const out = page.locator('#out', { hasText: '1 xor 1' })
          const said = await out.textContent()
          const answers = Array.from(said.matchAll(/: ([\d.]+)/g), ([, p]) => Math.round(Number(p)))
          must(answers.join() === '0,1,1,0', said)
        }),
      )
    }),
    vite: page(() => {
      copied('model')
      const to = copied('vite')
      node([packed('vite', 'bin/vite.js'), 'build'], { cwd: to })
      const preview = [packed('vite', 'bin/vite.js'), 'preview', '--port', '0', '--host', 'localhost']
      return listening(process.execPath, preview, { cwd: to }, (origin) =>
        inPage(origin, async (page) => {
          must(await page.evaluate(() => crossOriginIsolated), 'it is not isolated')
          await press(page, 'Ask the student')
        }),
      )
    }),
    'next --turbopack': () => next('turbopack'),
    'next --webpack': () => next('webpack'),
    'service-worker': page(() => {
      const to = withModel('service-worker')
      build(to, script(to, 'build'))
      return atHost(to, (origin) =>
        inPage(origin, async (page, context) => {
          await press(page, 'Ask')
          await context.setOffline(true)
          const again = await page.evaluate(async (text) => {
            const answer = await fetch(`classify?text=${encodeURIComponent(text)}`)
            return (await answer.json()).label
          }, asked.text)
          must(again === asked.label, `without a network it says ${again}`)
        }),
      )
    }),
    space: page(() => {
      const to = withModel('space')
      build(to, script(to, 'build'))
      const [, front] = /^---\n([\s\S]*?)\n---\n/.exec(readFileSync(join(to, 'README.md'), 'utf8'))
      const { sdk, app_file, custom_headers } = parse(front)
      must(sdk === 'static' && existsSync(join(to, app_file)), 'the README names no static page')
      return atHost(
        to,
        (origin) =>
          inPage(origin, async (page) => {
            await press(page, 'Ask')
            const said = await page.locator('#threads').textContent()
            must(said.includes('isolated: true'), said)
          }),
        custom_headers,
      )
    }),
  }
  mkdirSync(place, { recursive: true })
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [`examples/${name}`, check]))
}
