// The playground of the built site in Chromium, part of npm run check:site:browser: from opening the page to a distilled student
// that beats the lone one, frames meanwhile, a host without headers, the bits of this Node, folders of models and what is wrong
// with them, hostile texts, the keyboard, 400 px. `node check/play.mjs` runs it alone; PLAY_TEACHER=FOLDER drops that model too.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runDistillation } from '../../dist/distill/worker/index.js'
import { openClassifier } from '../../dist/train/outputs/index.js'
import { findChromium, startChromium } from '../../test/browser/chromium.mjs'
import { hashOf, usual, valuesIn } from '../play/settings.js'
import { closedTabs } from './play-closed.mjs'
import { holdsNoMore } from './play-memory.mjs'
import { button, done, LIMIT, must, mustGive, processesOf, ready } from './play-page.mjs'
import { here, ISOLATED, small, smallJob } from './play-run.mjs'
import { serve } from './server.mjs'

const DIST = fileURLToPath(new URL('../.vitepress/dist', import.meta.url))
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Checks by name; each gets { open, shots } and gives a line of detail or throws. */
export const playChecks = {
  'the playground beats the lone student': beats,
  'the playground, the same bits as Node': sameBits,
  'the playground without headers': withoutHeaders,
  'the playground, pause, step and stop': controls,
  ...closedTabs,
  'the playground, a link': link,
  'the playground, hostile texts': hostile,
  'the playground, folders': folders,
  'the playground, a given teacher': sameLogits,
  'the playground, axe-core': accessible,
  'the playground, the tape of a step': tapeOfStep,
  'the playground, a thousand steps': holdsNoMore,
}

const accuracyOf = async (page, model) => {
  const row = page.locator('.play-main tr').filter({ has: page.locator('th', { hasText: model }) })
  return Number.parseFloat(await row.locator('td').first().textContent())
}

/** Seconds of processor time that the browser's processes have taken. */
async function processorSeconds(browser) {
  return (await processesOf(browser)).reduce((sum, { cpuTime }) => sum + cpuTime, 0)
}

async function beats({ open, shot, browser }) {
  const [began, before] = [performance.now(), await processorSeconds(browser)]
  const { page, complaints, close } = await open('/play.html', { isolated: true })
  await ready(page)
  const loaded = performance.now()
  await page.evaluate(() => {
    globalThis.frames24 = 0
    const count = () => {
      globalThis.frames24++
      requestAnimationFrame(count)
    }
    requestAnimationFrame(count)
  })
  const from = performance.now()
  await button(page, 'Distil').click()
  await done(page)
  const seconds = (performance.now() - began) / 1000
  const processor = (await processorSeconds(browser)) - before
  const frames = (await page.evaluate(() => globalThis.frames24)) / ((performance.now() - from) / 1000)
  const [ours, alone] = [await accuracyOf(page, 'student distilled'), await accuracyOf(page, 'student alone')]
  const threads = await page.locator('.play-state').textContent()
  await page.locator('input[name="ask"]').fill('a small furry animal that barks')
  await page.locator('.play-row .picture').nth(3).waitFor({ timeout: LIMIT })
  await shot(page, 'done')
  await close()
  must(complaints.length === 0, complaints.join('; '))
  const told = `${ours}% beside ${alone}% in ${seconds.toFixed(1)} s (${processor.toFixed(0)} s of processor time), ${((loaded - began) / 1000).toFixed(1)} of them before the click, ${frames.toFixed(0)} frames/s,${threads.split('·').at(-1)}`
  must(ours > alone, `distilled ${told}`)
  return told
}

async function sameBits({ open }) {
  const there = await here()
  const { page, close } = await open(`/play.html${hashOf(small)}`, { isolated: true })
  await ready(page)
  await button(page, 'Distil').click()
  await done(page)
  const told = await mustGive(page, there.student.files)
  await close()
  return told
}

async function withoutHeaders({ open }) {
  const { page, complaints, close } = await open(`/play.html${hashOf(small)}`)
  await ready(page)
  must(
    (await page.locator('.play-note').first().textContent()).includes('on one thread'),
    'the page does not say that it is not isolated',
  )
  await button(page, 'Distil').click()
  await done(page)
  const said = await page.locator('.play-state').textContent()
  await close()
  must(said.includes('one thread'), `it says ${said}`)
  must(complaints.length === 0, complaints.join('; '))
  return 'it runs, on one thread, and says so'
}

async function controls({ open }) {
  const { page, close } = await open(`/play.html${hashOf({ ...small, transfer: 2000, epochs: 5 })}`)
  await ready(page)
  // By the keyboard alone.
  await button(page, 'Distil').focus()
  await page.keyboard.press('Enter')
  await page
    .locator('.play-state')
    .filter({ hasText: /distilled \d/ })
    .waitFor({ timeout: LIMIT })
  await button(page, 'Pause').focus()
  await page.keyboard.press('Space')
  const progress = () => page.locator('.play-state').textContent()
  let before = await progress()
  for (;;) {
    // A busy machine takes its time to the end of a step.
    await page.waitForTimeout(10_000)
    const now = await progress()
    if (now === before) break
    before = now
  }
  await page.waitForTimeout(3000)
  must((await progress()) === before, 'it goes on while it is paused')
  for (let i = 0; i < 30; i++) await button(page, 'Step').click()
  await page.waitForFunction((was) => document.querySelector('.play-state').textContent !== was, before, {
    timeout: LIMIT,
  })
  await button(page, 'Stop').click()
  await done(page)
  await close()
  return 'it stands still, steps and ends'
}

async function link({ open }) {
  const { page, close } = await open(`/play.html${hashOf({ ...usual(), T: 5, seed: 7 })}`)
  await ready(page)
  must((await page.locator('input[name="T"]').inputValue()) === '5', 'the link sets nothing')
  must(
    (await page.locator('.play-note').allTextContents()).join().includes('came with a link'),
    'it is not said',
  )
  await page.waitForTimeout(2000)
  must((await page.locator('.play-state').textContent()).trim() === '', 'something ran')
  await close()
  for (const bad of [
    '#play=T:<img src=x>',
    '#play=__proto__:1',
    '#play=T:NaN,rows:1e99',
    `#play=${'x'.repeat(9999)}`,
    '#play=T:2:3,,,:',
  ])
    for (const [name, value] of Object.entries(valuesIn(bad) ?? {}))
      must(
        Object.hasOwn(usual(), name) && typeof value === typeof usual()[name] && !Number.isNaN(value),
        `${bad} gives ${name} ${value}`,
      )
  return 'settings alone, and nothing runs'
}

const marks = [
  (i) => `<img src=x onerror="window.broken=${i}">`,
  (i) => `<script>window.broken=${i}</script>`,
  (i) => `{{constructor.constructor("window.broken=${i}")()}}`,
  (i) => `"><svg onload=window.broken=${i}>`,
  (i) => `javascript:window.broken=${i}`,
  (i) => `<b id="element${i}">bold</b>`,
  (i) => `\u202e<a href="//example.org/${i}">a</a>`,
  (i) => `'--></style><iframe srcdoc="<script>parent.broken=${i}</script>">`,
]

/** 200 of them as texts, labels and the names of files and folders. */
async function hostile({ open }) {
  const texts = Array.from({ length: 200 }, (_, i) => marks[i % marks.length](i))
  const table = texts
    .map((text, i) => JSON.stringify({ text: `${text} word${i % 5}`, label: marks[i % 2](0) }))
    .join('\n')
  const { page, complaints, close } = await open(`/play.html${hashOf(small)}`)
  await ready(page)
  const elements = () =>
    page.evaluate(
      () =>
        document.querySelectorAll(
          '.play img, .play script, .play iframe, .play b, .play svg svg, [id^=element]',
        ).length,
    )
  const name = '<img src=x onerror=window.broken=1>.jsonl'
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(table) })
  await page.locator('.play-data', { hasText: name }).waitFor({ timeout: LIMIT })
  await button(page, 'Distil').click()
  await done(page)
  await page.locator('input[name="ask"]').fill(texts[0])
  await page.waitForTimeout(3000)
  must((await page.locator('.play').textContent()).includes(marks[0](0)), 'the labels are not shown')
  for (const text of texts.slice(0, 100)) {
    const files = [
      {
        name: text.replaceAll(/[/\\]/g, '_').slice(0, 200),
        mimeType: 'text/plain',
        buffer: Buffer.from(text),
      },
    ]
    await page.locator('input[type=file]').first().setInputFiles(files)
  }
  await page.locator('.play-problem').waitFor({ timeout: LIMIT })
  must((await elements()) === 0, 'a text became an element')
  must(!(await page.evaluate(() => 'broken' in window)), 'a text ran')
  await close()
  must(complaints.length === 0, complaints.join('; '))
  return '200 texts, 2 labels and 101 names are text'
}

/** A small trained folder, whole, and in 102 ways broken. */
async function folders({ open }) {
  const folder = mkdtempSync(join(tmpdir(), 'tinystill-play-'))
  const { page, complaints, close } = await open('/play.html')
  try {
    await ready(page)
    const input = page.locator('input[webkitdirectory]')
    const { teacher } = await runDistillation({
      ...smallJob(),
      alone: false,
    }).result
    const put = (name, files) => {
      mkdirSync(join(folder, name), { recursive: true })
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, name, file), bytes)
      return join(folder, name)
    }
    const drop = async (path) => {
      await page.evaluate(() => document.querySelector('.play-problem')?.setAttribute('data-old', ''))
      await input.setInputFiles(path)
    }
    const refused = async (path) => {
      await drop(path)
      const line = page.locator('.play-problem:not([data-old])')
      await line.waitFor({ timeout: 60_000 })
      return (await line.textContent()).trim()
    }
    const whole = teacher.files
    const broken = [
      ['pickle', { 'config.json': whole['config.json'], 'pytorch_model.bin': Uint8Array.of(128, 2, 99) }],
    ]
    broken.push(['cut', { ...whole, 'model.safetensors': whole['model.safetensors'].slice(0, -9) }])
    for (let i = 0; i < 100; i++) {
      const file = ['config.json', 'model.safetensors', 'tokenizer.json'][i % 3]
      const bytes = whole[file].slice()
      // Inside what says how the rest is read: a weight of another value is a weight.
      const place = (i * 7919) % Math.min(bytes.length, file === 'model.safetensors' ? 8 : 400)
      bytes.set([0, 255, 1, 128].slice(0, 4), place)
      broken.push([`mutant-${i}`, { ...whole, [file]: bytes }])
    }
    const lines = new Set()
    for (const [name, files] of broken) {
      const line = await refused(put(name, files))
      must(line !== '' && !line.includes('\n') && line.length < 600, `${name}: ${line}`)
      lines.add(line)
      await page.locator('.play-problem').evaluateAll((all) => {
        for (const it of all) it.setAttribute('data-old', '')
      })
    }
    await drop(put('whole', whole))
    await page.locator('fieldset p strong', { hasText: 'whole' }).waitFor({ timeout: 60_000 })
    must(complaints.length === 0, complaints.join('; '))
    return `${broken.length} refused in ${lines.size} different lines`
  } finally {
    rmSync(folder, { recursive: true })
    await close()
  }
}

/** The page's logits of a few texts beside Node's, by the engine that the page serves. */
async function sameLogits({ open }) {
  const folder = process.env.PLAY_TEACHER
  if (folder === undefined) return 'left out: PLAY_TEACHER names no folder'
  const { page, close } = await open('/play.html', { isolated: true })
  await ready(page)
  const texts = ['how far is it from here to the sea ?', 'who wrote this ?', 'a film that grows on you']
  const files = Object.fromEntries(
    readdirSync(folder)
      .filter((name) => /\.(json|txt|safetensors)$/.test(name))
      .map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  )
  const here = await openClassifier(files).logits(texts)
  await page.evaluate(() => {
    const input = Object.assign(document.createElement('input'), {
      type: 'file',
      multiple: true,
      id: 'logits24',
    })
    document.body.append(input)
  })
  await page.locator('#logits24').setInputFiles(Object.keys(files).map((name) => join(folder, name)))
  const there = await page.evaluate(async (texts) => {
    const list = document.querySelector('#logits24').files
    const files = Object.fromEntries(
      await Promise.all(
        Array.from(list, async (file) => [file.name, new Uint8Array(await file.arrayBuffer())]),
      ),
    )
    const worker = new Worker('/engine/play-helper.js', { type: 'module' })
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) =>
        data.error ? reject(new Error(data.error.message)) : resolve(Array.from(data.value))
      worker.onerror = (event) => reject(new Error(event.message))
      worker.postMessage({ id: 1, what: 'logits', about: { files, texts } })
    })
  }, texts)
  const most = Math.max(...there.map((z, i) => Math.abs(z - here[i])))
  must(there.length === here.length && most < 1e-4, `logits differ by ${most}`)
  await close()
  return `${there.length} logits of ${folder.split('/').at(-1)} within ${most.toExponential(1)} of Node's`
}

async function accessible({ open, shot }) {
  const told = []
  for (const [how, settings] of [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['400 px', { viewport: { width: 400, height: 800 }, reducedMotion: 'reduce' }],
  ]) {
    const { page, close } = await open('/play.html', settings)
    await withoutPolicy(page)
    const rules = await mustBeUsable(page, how)
    await shot(page, how.replace(' ', ''))
    await close()
    told.push(`${rules} rules hold ${how}`)
  }
  return told.join(', ')
}

/** A page as it is, but that axe-core may run in it. */
async function withoutPolicy(page) {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Page.setBypassCSP', { enabled: true })
  await page.reload()
  await ready(page)
}

/** Holds what is shown now to axe-core and to the width of the window; the number of rules that hold. */
async function mustBeUsable(page, how) {
  await page.evaluate(axe)
  const { violations, passes } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] }),
  )
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  must(
    serious.length === 0,
    `${how}: ${serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`).join('; ')}`,
  )
  must(wide <= 0, `${how}: ${wide} pixels wider than its window`)
  return passes.length
}

/** The tape of a run that is over: folded, unfolded and walked by keys alone, light and wide, dark and narrow. */
async function tapeOfStep({ open, shot }) {
  const told = []
  for (const [how, settings] of [
    ['light', {}],
    ['dark, 400 px', { colorScheme: 'dark', viewport: { width: 400, height: 800 }, reducedMotion: 'reduce' }],
  ]) {
    const { page, complaints, close } = await open(`/play.html${hashOf(small)}`, settings)
    await withoutPolicy(page)
    await button(page, 'Distil').click()
    await done(page)
    const panel = page.locator('.play-tape')
    const rows = panel.locator('svg rect.node')
    await rows.first().waitFor({ timeout: LIMIT })
    const folded = await rows.count()
    await panel.locator('select').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await panel.locator('svg rect.node:not(.folded)').first().waitFor()
    const unfolded = await rows.count()
    must(folded > 2 && unfolded > folded + 5, `${folded} rows folded, ${unfolded} unfolded`)
    const bar = panel.locator('.picture input[type=range]')
    await bar.focus()
    await page.keyboard.press('End')
    const caption = await panel.locator('figcaption').textContent()
    must(/back: the gradient of \w+ is \d/.test(caption), `the last frame says ${caption}`)
    const rules = await mustBeUsable(page, how)
    await shot(page, `tape-${how.split(',')[0]}`)
    await close()
    must(complaints.length === 0, complaints.join('; '))
    told.push(`${folded} rows, ${unfolded} with a layer unfolded, ${rules} rules hold ${how}`)
  }
  return told.join('; ')
}

/** All of them, or those whose names hold one of `names`; `check(name, f)` runs and tells one. */
export async function checkPlayground(browser, check, { names = [], shots = null } = {}) {
  const plain = await serve(DIST)
  const isolated = await serve(DIST, ISOLATED)
  const open = async (address, { isolated: alone = false, ...settings } = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...settings })
    const at = (alone ? isolated : plain).origin + address
    /** A tab of the same browser's. */
    const another = async () => {
      const page = await context.newPage()
      const complaints = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (it) => it.type() === 'error' && complaints.push(it.text()))
      await page.goto(at)
      return { page, complaints }
    }
    return { ...(await another()), another, close: () => context.close() }
  }
  const shot = async (page, name) => {
    if (shots !== null) await page.screenshot({ path: join(shots, `play-${name}.png`), fullPage: true })
  }
  for (const [name, f] of Object.entries(playChecks))
    if (names.length === 0 || names.some((it) => name.includes(it)))
      await check(name, () => f({ open, shot, browser }))
  plain.close()
  isolated.close()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2)
  const shots = given.includes('--shots') ? given[given.indexOf('--shots') + 1] : null
  const names = given.filter((it) => !it.startsWith('--') && it !== shots)
  if (shots !== null) mkdirSync(shots, { recursive: true })
  const browser = await startChromium(findChromium())
  let failed = 0
  await checkPlayground(
    browser,
    async (name, f) => {
      try {
        console.log(`ok      ${name}: ${await f()}`)
      } catch (error) {
        failed++
        console.log(`FAILED  ${name}: ${error.message}`)
      }
    },
    { names, shots },
  )
  await browser.close()
  process.exit(failed > 0 ? 1 : 0)
}
