// How readers come who use no mouse, who want nothing to move, and who stay for all lessons.

function must(condition, complaint) {
  if (!condition) throw new Error(complaint)
}

/** What has the focus: enough of it to tell places apart. */
const focused = () => {
  const at = document.activeElement
  const of = at?.closest('[data-cell]')?.dataset.cell ?? ''
  const inside = at?.shadowRoot?.activeElement
  return {
    of,
    run: at?.classList.contains('run') ?? false,
    range: at?.type === 'range',
    editor: Boolean(inside),
    text: `${of} ${at?.tagName} ${at?.className} ${at?.textContent?.slice(0, 30)} ${at?.href ?? ''}`,
  }
}

/** Tabs until `there`, at most `most` times. The focus must move each time: nothing is a trap. */
async function tabTo(page, there, most = 200) {
  let before = ''
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(focused)
    must(now.text !== before, `Tab does not leave ${now.text}`)
    before = now.text
    if (there(now)) return
  }
  throw new Error(`${most} times Tab, and it was not reached; the last was ${before}`)
}

/** Runs a cell, and walks its picture, by keys alone. */
export async function byKeyboard({ page }) {
  await tabTo(page, (it) => it.of === '1' && it.run)
  await page.keyboard.press('Enter')
  const cell = page.locator('[data-cell="1"]')
  await cell.locator('.cell-state').filter({ hasText: 'Ran' }).waitFor()
  const count = () => cell.locator('.picture-count').first().textContent()
  const before = await count()
  await tabTo(page, (it) => it.of === '1' && it.range)
  await page.keyboard.press('ArrowRight')
  must((await count()) !== before, `the arrow does not move the picture: ${before}`)
  return `cell and picture, ${before} to ${await count()}`
}

/** Where nothing is to move: no picture goes on by itself, and no style animates. */
export async function withoutMotion({ page }) {
  const cell = page.locator('[data-cell="1"]')
  await page.evaluate(() => {
    globalThis.places = new Set()
    globalThis.watching = setInterval(() => {
      const bar = document.querySelector('[data-cell="1"] .picture input[type=range]')
      if (document.querySelector('[data-cell="1"] .cell-state').textContent === 'Running ...' && bar !== null)
        globalThis.places.add(bar.value)
    }, 5)
  })
  await cell.locator('button.run').click()
  await cell.locator('.cell-state').filter({ hasText: 'Ran' }).waitFor()
  const { places, moving } = await page.evaluate(() => ({
    places: [...globalThis.places],
    moving: document.getAnimations().filter((it) => it.playState === 'running').length,
  }))
  must(places.length <= 1, `the picture moved by itself: frames ${places.join(', ')}`)
  must(moving === 0, `${moving} animations run`)
  return 'no picture goes on by itself'
}

const MOST_GROWTH = 1.1

/** Every lesson visited again and again in one tab, its first light cell run: what is held after each round, by the browser. */
export async function heldByLessons({ page }, lessons, run) {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  const held = async () => {
    await cdp.send('HeapProfiler.collectGarbage')
    const { metrics } = await cdp.send('Performance.getMetrics')
    const of = (name) => metrics.find((it) => it.name === name).value
    return { heap: of('JSHeapUsedSize'), nodes: of('Nodes') }
  }
  const rounds = []
  for (let round = 0; round < 3; round++) {
    for (const { address, cell } of lessons) {
      await page.locator(`.VPSidebar a[href$="${address}"]`).first().click()
      await page.waitForURL((url) => url.pathname.endsWith(address))
      await page.locator(`[data-cell="${cell}"] button.run`).waitFor()
      await run(page, cell)
    }
    rounds.push(await held())
  }
  const [, second, third] = rounds
  const told = rounds.map(({ heap, nodes }) => `${(heap / 1e6).toFixed(1)} MB and ${nodes} nodes`).join(', ')
  must(
    third.heap < second.heap * MOST_GROWTH && third.nodes < second.nodes * MOST_GROWTH,
    `it grows: ${told}`,
  )
  return `held after each of three rounds: ${told}`
}
