// Links of the built pages that lead nowhere: to a file that is not there, or to a place that its page has not.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'

const unescaped = (text) => text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"')

/** -> { pages, links, dead: ['PAGE -> LINK'] } */
export function deadLinks(folder) {
  const pages = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.html'))
  const ids = new Map()
  const html = (page) => readFileSync(join(folder, page), 'utf8')
  const idsOf = (page) => {
    if (!ids.has(page))
      ids.set(page, new Set(Array.from(html(page).matchAll(/\sid="([^"]+)"/g), ([, id]) => unescaped(id))))
    return ids.get(page)
  }
  const dead = []
  let links = 0
  for (const page of pages)
    for (const [, href] of html(page).matchAll(/\s(?:href|src)="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(href)) continue
      links++
      const [path, anchor] = unescaped(href).split('#')
      const at =
        path === ''
          ? page
          : posix
              .join(path.startsWith('/') ? '' : posix.dirname(page), decodeURIComponent(path))
              .replace(/^\//, '')
      const file =
        at === '' || (existsSync(join(folder, at)) && statSync(join(folder, at)).isDirectory())
          ? posix.join(at, 'index.html')
          : at
      const there = existsSync(join(folder, file))
      if (!there || (anchor && file.endsWith('.html') && !idsOf(file).has(decodeURIComponent(anchor))))
        dead.push(`${page} -> ${href}`)
    }
  return { pages: pages.length, links, dead }
}
