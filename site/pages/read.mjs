// The repository as the generators read it: files by path, and dist, which `npm run build` makes.
import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
export const read = (path) => readFileSync(new URL(path, root), 'utf8')
export const bytes = (path) => readFileSync(new URL(path, root))
export const list = (path) => readdirSync(new URL(path, root)).sort()
export const dist = (path) => import(new URL(`dist/${path}`, root).href)

/** Text inside a table's cell. */
export const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ')
/** Text as code in a line of Markdown, whatever is in it. */
export const code = (text) => {
  const ticks = text.includes('`') ? '``' : '`'
  return `${ticks}${text}${ticks}`
}

/** What a dynamic route of VitePress asks for: `param` is the name between its brackets. */
export const paths = (param, pages) => ({
  paths: async () =>
    (await pages()).map(({ name, markdown, ...rest }) => ({
      params: { [param]: name, ...rest },
      content: markdown,
    })),
})
