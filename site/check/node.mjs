// npm run check:site: every cell of every page in Node prints what its page shows; exercises fail as they stand and pass as
// solved. `npm run check:site -- lessons/shapes` checks pages of that name; with `--write` the output that a page shows is
// written anew from what its cells print, to be read before it is committed.
import { writeFileSync } from 'node:fs'
import { linesOf } from '../.vitepress/markdown.mjs'
import { runCell } from './cell.mjs'
import { fenceErrors } from './fences.mjs'
import { pages } from './pages.mjs'
import { wrong } from './wrong.mjs'

const write = process.argv.includes('--write')
const names = process.argv.slice(2).filter((it) => !it.startsWith('--'))
const RIGHT = 'Right.'

let [passed, failed] = [0, 0]
const tell = (name, complaint) => {
  if (complaint === null) passed++
  else failed++
  if (complaint !== null) console.log(`FAILED  ${name}: ${complaint}`)
}

function attempt(f) {
  try {
    return f()
  } catch (error) {
    return error.message
  }
}

/** Solutions with one thing wrong: none may pass. */
async function refused(cell, path) {
  for (const [page, right, other] of wrong) {
    if (page !== path) continue
    if (!cell.solution.includes(right)) return `its solution has no ${right} that could be wrong`
    const { output } = await runCell(cell.solution.replace(right, other), cell.check)
    if (output.split('\n').includes(RIGHT)) return `it takes ${other} for right`
  }
  return null
}

async function judge(cell, path) {
  if (cell.check === '') {
    const { output } = await runCell(cell.code)
    return output === cell.output ? null : `the page shows\n${cell.output}\nand it prints\n${output}`
  }
  if (cell.solution === '') return 'an exercise needs a solution'
  const begun = (await runCell(cell.code, cell.check)).output
  if (begun.split('\n').includes(RIGHT)) return 'it is solved before anyone has begun'
  const solved = (await runCell(cell.solution, cell.check)).output
  if (solved.split('\n').at(-1) !== RIGHT) return `its solution is not right: ${solved}`
  return refused(cell, path)
}

/** Lines of ours that a page shows, which may have gone. */
function judgeSources(markdown) {
  for (const [, path, between] of markdown.matchAll(/^```source (\S+)\n([\s\S]*?)^```$/gm))
    linesOf(path, ...between.trimEnd().split('\n'))
  return null
}

/** A page with what its cells print in the place of what it shows. Exercises show nothing before they are checked. */
async function rewritten({ markdown, cells }) {
  const outputs = []
  for (const cell of cells) if (cell.check === '') outputs.push((await runCell(cell.code)).output)
  return markdown.replace(/^```output\n[\s\S]*?^```$/gm, () => `\`\`\`output\n${outputs.shift()}\n\`\`\``)
}

const chosen = (await pages()).filter(
  ({ path }) => names.length === 0 || names.some((name) => path.startsWith(name)),
)
for (const page of chosen) {
  if (write && page.file !== undefined) writeFileSync(page.file, await rewritten(page))
  if (write) continue
  if (page.file !== undefined)
    tell(
      `${page.path}, sources`,
      attempt(() => judgeSources(page.markdown)),
    )
  for (const cell of page.cells) tell(`${page.path}, cell ${cell.id}`, await judge(cell, page.path))
}
if (!write) {
  const { pieces, found } = await fenceErrors(chosen)
  for (const complaint of found) tell('code', complaint)
  if (pieces > 0 && found.length === 0) tell(`${pieces} pieces of code`, null)
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
