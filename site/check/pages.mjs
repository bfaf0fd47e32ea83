// Every page that may have cells, as Markdown: those of this folder, and those made from the records.
import { readdirSync, readFileSync } from 'node:fs'
import { cellsOf } from '../.vitepress/markdown.mjs'
import { lossPages } from '../pages/losses.mjs'
import { opPages } from '../pages/ops.mjs'

const site = new URL('../', import.meta.url)

function* written() {
  for (const folder of ['', 'lessons/', 'guides/'])
    for (const file of readdirSync(new URL(`./${folder}`, site)))
      if (file.endsWith('.md')) {
        const url = new URL(folder + file, site)
        yield { path: folder + file.slice(0, -3), file: url, markdown: readFileSync(url, 'utf8') }
      }
}

/** The fences of a page as Markdown's parser gives them. */
const fencesOf = (markdown) =>
  Array.from(markdown.matchAll(/^```([^\n`]*)\n([\s\S]*?)^```$/gm), ([, info, content]) => ({
    type: 'fence',
    info,
    content,
  }))

/** -> [{ path, file, markdown, cells }], file where it is written by hand. */
export async function pages() {
  const made = async (folder, all) =>
    (await all()).map(({ name, markdown }) => ({ path: `${folder}/${name}`, markdown }))
  const all = [...written(), ...(await made('losses', lossPages)), ...(await made('ops', opPages))]
  return all.map((page) => ({ ...page, cells: cellsOf(fencesOf(page.markdown)) }))
}
