// A tab of the playground that is closed in the middle goes on when the page is opened again, with the weights of Node's unbroken
// run; one tab at a time keeps, and whatever else lies where it keeps is none of its own.
import { hashOf } from '../play/settings.js'
import { button, done, LIMIT, must, mustGive, ready } from './play-page.mjs'
import { here, small } from './play-run.mjs'

/** Long enough that states are kept of the teacher and of both students. */
const long = { ...small, rows: 600, transfer: 2000, teacherWidth: 64, teacherEpochs: 4, width: 32, epochs: 3 }

// In the page.

/** Sizes of the files in which something is kept, by their names. */
async function keptSizes() {
  try {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('tinystill-play')
    const sizes = {}
    for await (const [name, handle] of folder.entries()) sizes[name] = (await handle.getFile()).size
    return sizes
  } catch {
    return {}
  }
}

async function overwrite([name, bytes]) {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle('tinystill-play', { create: true })
  const file = await (await folder.getFileHandle(name, { create: true })).createWritable()
  await file.write(new Uint8Array(bytes))
  await file.close()
}

const offer = (page) => page.locator('.play-note', { hasText: 'is kept in this browser' })

/** Until a training of this name has kept a state. */
async function keptOf(page, training) {
  for (const began = performance.now(); performance.now() - began < LIMIT; ) {
    const sizes = await page.evaluate(keptSizes)
    if (Object.entries(sizes).some(([name, size]) => name.startsWith(training) && size > 0)) return
    await page.waitForTimeout(200)
  }
  throw new Error(`nothing is kept of ${training}`)
}

async function closedTab({ open, shot }) {
  const wanted = await here(long)
  const first = await open(`/play.html${hashOf(long)}`, { isolated: true })
  await ready(first.page)
  await button(first.page, 'Distil').click()
  await keptOf(first.page, 'teacher')
  const beside = await first.another()
  await ready(beside.page)
  must((await offer(beside.page).count()) === 0, 'another tab is offered what this one is at')
  await beside.page.close()
  await first.page.close()

  const second = await first.another()
  await button(second.page, 'Go on with it').click()
  await keptOf(second.page, 'student')
  await second.page.close()

  const third = await first.another()
  await offer(third.page).waitFor({ timeout: LIMIT })
  const said = (await offer(third.page).textContent()).trim().split('.')[0]
  await shot(third.page, 'kept')
  const began = performance.now()
  await button(third.page, 'Go on with it').focus()
  await third.page.keyboard.press('Enter')
  await done(third.page)
  const seconds = (performance.now() - began) / 1000
  const told = await mustGive(third.page, wanted.student.files)
  await third.page.close()

  // A run that is over is there at once.
  const fourth = await first.another()
  await button(fourth.page, 'Go on with it').click()
  await done(fourth.page)
  await mustGive(fourth.page, wanted.student.files)
  await fourth.page.close()

  const fifth = await first.another()
  await button(fifth.page, 'Remove it').click()
  await ready(fifth.page)
  let left
  for (let i = 0; i < 100 && left !== 0; i++) {
    await fifth.page.waitForTimeout(100)
    left = Object.keys(await fifth.page.evaluate(keptSizes)).length
  }
  must(left === 0, 'what was removed is there')
  const complaints = [first, second, third, fourth, fifth].flatMap((it) => it.complaints)
  await first.close()
  must(complaints.length === 0, complaints.join('; '))
  return `closed twice, ${told}, Node's; '${said}', ${seconds.toFixed(0)} s more`
}

const mark = '<img src=x onerror="window.broken=1">'
const packed = (value) => {
  const text = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  return [...Buffer.from(String(text.length).padStart(12)), ...text]
}
const set = { texts: [mark, 'one'], labels: [mark, 'b'] }
const own = { name: mark, labelled: set, dev: set, transfer: [mark] }
const run = { settings: hashOf(small), data: null, teacher: null }

/** What may lie in the file of the page's own part. */
const strange = [
  ...[
    [],
    [0],
    [...Buffer.from('x'.repeat(99))],
    [...Buffer.from('999999999999{}')],
    packed('{'),
    packed('null'),
  ],
  ...[packed([]), packed({}), packed({ ...run, settings: '#play=T:<img>' }), packed({ ...run, settings: 7 })],
  ...[
    { ...own, labelled: null },
    { ...own, dev: { texts: [1], labels: ['a'] } },
    { ...own, transfer: 'x' },
    7,
    own,
  ].map((data) => packed({ ...run, data })),
  ...[
    { name: mark, files: [['config.json', 1e9]] },
    { name: 7, files: [] },
    { name: mark, files: [[mark, -1]] },
    [],
  ].map((teacher) => packed({ ...run, teacher })),
]
const curves = [[0], [...Buffer.from('{"losses":[["x",{"x":[1],"y":["<img>"]}]],"accuracy":[],"last":[]}')]]

async function strangers({ open }) {
  const { page, complaints, another, close } = await open('/play.html')
  // Of the same origin, and without the lock.
  await page.goto(new URL('/lessons/', page.url()).href)
  let [offered, ran, lines] = [0, 0, 0]
  for (const [i, bytes] of strange.entries()) {
    await page.evaluate(overwrite, ['run', bytes])
    await page.evaluate(overwrite, ['curves', curves[i % curves.length]])
    for (const name of ['teacher%2Fteacher.0', 'student%2Fdistil.1'])
      await page.evaluate(overwrite, [name, Array.from({ length: 500 }, (_, k) => (k * i) % 256)])
    const next = await another()
    await ready(next.page)
    if ((await offer(next.page).count()) > 0) {
      offered++
      await button(next.page, 'Go on with it').click()
      await next.page.waitForFunction(
        () => document.querySelector('#play-result, .play-problem') !== null,
        undefined,
        { timeout: LIMIT },
      )
      if ((await next.page.locator('.play-problem').count()) > 0) lines++
      else ran++
    }
    const elements = await next.page.evaluate(() => document.querySelectorAll('.play img').length)
    must(elements === 0 && !(await next.page.evaluate(() => 'broken' in window)), `file ${i} ran`)
    must(next.complaints.length === 0, `file ${i}: ${next.complaints.join('; ')}`)
    await next.page.close()
  }
  await close()
  must(complaints.length === 0, complaints.join('; '))
  return `${strange.length} strange files: ${offered} offered, of which ${ran} began anew and ${lines} were refused in a line`
}

export const closedTabs = {
  'the playground, a closed tab': closedTab,
  'the playground, strangers where it keeps': strangers,
}
