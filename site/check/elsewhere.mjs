// In another browser than Chromium: every cell of the lessons prints what its page shows, and the playground makes Node's student.
// How a browser is started and spoken to is its own file's: firefox.mjs, webkit.mjs.
import { fileURLToPath } from 'node:url'
import { pages } from './pages.mjs'
import { playsElsewhere } from './play-elsewhere.mjs'
import { serve } from './server.mjs'

const DIST = fileURLToPath(new URL('../.vitepress/dist', import.meta.url))
export const LIMIT = 240_000

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

/** start() -> { open(url), call(f, ...numbers), end() }: shows a page, runs a function in it. Ends the process. */
export async function checkElsewhere(browser, start) {
  const names = process.argv.slice(2)
  const site = await serve(DIST)
  const { open, call, end } = await start()
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
  if (wanted('play', true)) await playsElsewhere({ dist: DIST, open, call, check, limit: LIMIT })
  console.log(`${browser}: ${passed} passed, ${failed} failed`)
  await end()
  site.close()
  process.exit(failed > 0 ? 1 : 0)
}
