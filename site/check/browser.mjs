// npm run check:site:browser: the built site in Chromium. Every cell of every page prints what its page shows, nothing breaks the
// pages' own policy, Stop ends an endless loop, a link with code runs nothing, no link is dead, axe-core finds nothing serious.
// `-- lessons ops/softmax` opens pages of those names; `-- --shots FOLDER` keeps pictures of some.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium, startChromium } from '../../test/browser/chromium.mjs'
import { checkIsolation } from './isolate.mjs'
import { deadLinks } from './links.mjs'
import { pages } from './pages.mjs'
import { checkPlayground } from './play.mjs'
import { byKeyboard, heldByLessons, withoutMotion } from './readers.mjs'
import { serve } from './server.mjs'

const DIST = fileURLToPath(new URL('../.vitepress/dist', import.meta.url))
const LIMIT = 300_000
const [FIRST_PAINT, WITH_ENGINE] = [150_000, 350_000]
const STOP = 100
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const given = process.argv.slice(2)
const shots = given.includes('--shots') ? given[given.indexOf('--shots') + 1] : null
const names = given.filter((it) => !it.startsWith('--') && it !== shots)

const path = findChromium()
if (path === null) {
  console.error(
    'check:site:browser needs Chromium: apt-get install --no-install-recommends chromium, or CHROMIUM=path',
  )
  process.exit(1)
}

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

function must(condition, complaint) {
  if (!condition) throw new Error(complaint)
}

if (shots !== null) mkdirSync(shots, { recursive: true })
const site = await serve(DIST)
const browser = await startChromium(path)

/** A page of its own, with what it complains of. */
async function open(address, settings = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings })
  const page = await context.newPage()
  const complaints = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (it) => it.type() === 'error' && complaints.push(it.text()))
  await page.goto(site.origin + address)
  return { page, complaints, close: () => context.close() }
}

const addressOf = (it) =>
  `/${it === 'index' ? '' : it.replace(/\/index$/, '/')}${/index$/.test(it) ? '' : '.html'}`

async function runCell(page, id) {
  const cell = page.locator(`[data-cell="${id}"]`)
  await cell.locator('button.run').click()
  await cell
    .locator('.cell-state')
    .filter({ hasText: /Ran|Ended|Stopped/ })
    .waitFor({ timeout: LIMIT })
  const output = cell.locator('.cell-output')
  return (await output.count()) === 0 ? '' : (await output.textContent()).trimEnd()
}

async function checkCells({ path, cells }) {
  const { page, complaints, close } = await open(addressOf(path))
  try {
    for (const cell of cells)
      await check(`${path}, cell ${cell.id}`, async () => {
        const output = await runCell(page, cell.id)
        if (cell.check === '')
          must(output === cell.output, `the page shows\n${cell.output}\nand it prints\n${output}`)
        else must(!output.includes('Right.'), 'it is solved before anyone has begun')
      })
    await check(`${path}: no complaint`, () =>
      must(complaints.length === 0, complaints.slice(0, 3).join('; ')),
    )
  } finally {
    await close()
  }
}

/** A lesson with `code` in its first cell, as a link brings it. */
async function openWith(code) {
  const opened = await open(`/lessons/shapes.html#code=1.${Buffer.from(code).toString('base64url')}`)
  await opened.page.locator('[data-cell="1"] .cell-foreign').waitFor({ timeout: LIMIT })
  return opened
}

/** The best of three: a busy machine stands still for longer than a cell takes to stop. */
async function checkStop() {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3 && best >= STOP; i++) best = Math.min(best, await stopOnce())
  must(best < STOP, `Stop took ${best.toFixed(0)} ms`)
  return `Stop took ${best.toFixed(0)} ms`
}

/** Milliseconds from the click to the end of a cell that never ends. */
async function stopOnce() {
  const { page, close } = await openWith('console.log("round")\nwhile (true) {}')
  const cell = page.locator('[data-cell="1"]')
  await cell.locator('button.run').click()
  await cell.locator('.cell-output').filter({ hasText: 'round' }).waitFor({ timeout: LIMIT })
  const took = await page.evaluate(async () => {
    const cell = document.querySelector('[data-cell="1"]')
    const before = performance.now()
    cell.querySelectorAll('.cell-bar button')[1].click()
    while (!cell.querySelector('.cell-state').textContent.startsWith('Stopped'))
      await new Promise((r) => setTimeout(r, 1))
    return performance.now() - before
  })
  await close()
  return took
}

async function checkShared() {
  const { page, close } = await openWith('console.log("it ran by itself")')
  const cell = page.locator('[data-cell="1"]')
  await cell.locator('.cm-content').filter({ hasText: 'it ran by itself' }).waitFor({ timeout: LIMIT })
  await page.waitForLoadState('networkidle')
  must(!(await cell.locator('.cell-output').textContent()).includes('by itself'), 'it ran before a click')
  must((await runCell(page, 1)).includes('by itself'), 'it does not run by a click')
  await close()
  return 'it runs by a click alone'
}

/** What a cell prints or names in a picture is text, whatever it looks like. */
async function checkHostile() {
  const bad =
    '<img src=x onerror="window.broken=1"><script>window.broken=1</script>{{constructor.constructor("window.broken=1")()}}'
  const text = JSON.stringify(bad)
  const { page, complaints, close } = await openWith(`import { bars, plot } from 'site'
console.log(${text})
bars(${text}, { [${text}]: 1 }, { label: ${text} })
plot(${text} + 2, { [${text}]: { y: [1, NaN, Infinity] } })
${text}`)
  const output = await runCell(page, 1)
  must(
    output.split('\n').every((line) => line === bad),
    `it prints ${output}`,
  )
  must(!(await page.evaluate(() => 'broken' in window)), 'it ran')
  must(complaints.length === 0, complaints.join('; '))
  await close()
  return 'they are text'
}

async function checkSizes() {
  site.sent()
  const { page, close } = await open('/lessons/temperature.html')
  await page.waitForLoadState('networkidle')
  const first = site.sent()
  await runCell(page, 1)
  const engine = site.sent()
  await page.locator('[data-cell="1"] .cell-still').click()
  await page.locator('[data-cell="1"] .cm-content').waitFor({ timeout: LIMIT })
  const editor = site.sent()
  await close()
  const kB = (bytes) => `${Math.round(bytes / 1000)} kB`
  const told = `first paint ${kB(first)} packed, a cell with the engine ${kB(engine)} more, its editor ${kB(editor)} more`
  must(first <= FIRST_PAINT && engine <= WITH_ENGINE, told)
  return told
}

/** Findings of axe-core on the page as it stands: serious ones, and how many rules hold. */
async function judged(page) {
  await page.evaluate(axe)
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] }),
  )
  const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const places = ({ nodes }) => nodes.slice(0, 3).map((n) => n.html.slice(0, 160))
  return { held: found.passes.length, serious: serious.map((v) => `${v.id}: ${places(v).join(' | ')}`) }
}

/** Past the policy, which lets no script in: axe is the reader's tool and not the page's. */
const past = { bypassCSP: true }

async function checkAxe(address, settings) {
  const { page, close } = await open(address, { ...settings, ...past })
  if ((await page.locator('[data-cell="1"]').count()) > 0) await runCell(page, 1)
  const { held, serious } = await judged(page)
  await close()
  must(serious.length === 0, serious.join('; '))
  return `${held} rules hold`
}

/** As they are opened, one after the other in one tab. */
async function checkAllByAxe(addresses) {
  const { page, close } = await open('/', past)
  const found = []
  for (const address of addresses) {
    await page.goto(site.origin + address)
    found.push(...(await judged(page)).serious.map((text) => `${address}: ${text}`))
  }
  await close()
  must(found.length === 0, `${found.length} findings: ${found.slice(0, 10).join('; ')}`)
  return `${addresses.length} pages without a serious finding`
}

async function shoot(name, address, settings, cell) {
  const { page, close } = await open(address, settings)
  if (cell !== undefined) {
    await runCell(page, cell)
    await page.locator(`[data-cell="${cell}"]`).scrollIntoViewIfNeeded()
  }
  await page.screenshot({ path: join(shots, `${name}.png`) })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  await close()
  must(wide <= 0, `${name} is ${wide} pixels wider than its window`)
}

const dark = { colorScheme: 'dark' }
const narrow = { viewport: { width: 400, height: 800 } }
const still = { reducedMotion: 'reduce' }

const chosen = (path) => names.length === 0 || names.some((name) => path.startsWith(name))
const built = readdirSync(DIST, { recursive: true })
  .filter((file) => file.endsWith('.html') && file !== '404.html' && chosen(file))
  .map((file) => `/${file}`)
  .sort()

async function withPage(address, settings, f) {
  const opened = await open(address, settings)
  try {
    opened.page.setDefaultTimeout(LIMIT)
    return await f(opened)
  } finally {
    await opened.close()
  }
}

/** Of each lesson the cell with the least code. */
const lightest = ({ path, cells }) => ({
  address: addressOf(path),
  cell: cells.filter((it) => it.check === '').sort((a, b) => a.code.length - b.code.length)[0].id,
})

await check('links', () => {
  const { pages, links, dead } = deadLinks(DIST)
  must(dead.length === 0, `${dead.length} of ${links} are dead: ${dead.slice(0, 20).join('; ')}`)
  return `${links} links of ${pages} pages`
})
await check('sizes', checkSizes)
await check('an endless loop', checkStop)
await check('a link with code', checkShared)
await check('hostile texts', checkHostile)
const all = (await pages()).filter((page) => page.cells.length > 0)
const lessons = all.filter(({ path }) => path.startsWith('lessons/')).map(lightest)
await check('a host without headers', () => checkIsolation(browser))
await check('by keyboard', () => withPage('/lessons/temperature.html', {}, byKeyboard))
await check('without motion', () => withPage('/lessons/optimizers.html', still, withoutMotion))
await check('memory', () => withPage('/lessons/', {}, (opened) => heldByLessons(opened, lessons, runCell)))
for (const page of all) if (chosen(page.path)) await checkCells(page)
await check('axe-core, every page', () => checkAllByAxe(built))
for (const address of [
  '/',
  '/lessons/',
  '/lessons/chain-rule.html',
  '/lessons/temperature.html',
  '/lessons/dark-knowledge.html',
  '/ops/',
  '/ops/softmax.html',
  '/losses/kd.html',
  '/recipes/tinybert.html',
  '/commands/train.html',
  '/documents/results.html',
  '/decisions/',
])
  for (const [how, settings] of [
    ['light', {}],
    ['dark', dark],
    ['400 px', narrow],
  ])
    await check(`axe-core, ${address}, ${how}`, () => checkAxe(address, settings))
if (names.length === 0 || names.includes('play')) await checkPlayground(browser, check, { shots })
if (shots !== null) {
  const views = [
    ['lesson', '/lessons/chain-rule.html', 1],
    ['moons', '/lessons/two-moons.html', 1],
    ['slider', '/lessons/temperature.html', 1],
    ['race', '/lessons/optimizers.html', 1],
    ['dark', '/lessons/dark-knowledge.html', 2],
    ['losses', '/lessons/what-losses-see.html', 1],
    ['born', '/lessons/born-again.html', 1],
    ['bits', '/lessons/smaller-numbers.html', 1],
    ['home', '/', 1],
    ['op', '/ops/softmax.html', 1],
    ['recipe', '/recipes/tinybert.html', undefined],
    ['results', '/documents/results.html', undefined],
  ]
  for (const [name, address, cell] of views)
    for (const [how, settings] of [
      ['', {}],
      ['-dark', dark],
      ['-400', narrow],
    ])
      await check(`picture ${name}${how}`, () => shoot(name + how, address, settings, cell))
}
await browser.close()
site.close()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
