// docs/architecture.svg is drawn from the imports: `npm run docs:map` draws it anew, and this fails where it is stale.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { drawMap, purposes } from './map.js'
import { readHouse } from './read.js'
import { floors } from './rules.js'

const docs = join(import.meta.dirname, '../../docs')
const architecture = readFileSync(join(docs, 'architecture.md'), 'utf8')

describe('the map of the house', () => {
  it('is docs/architecture.svg as the imports have it now', async () => {
    await expect(drawMap(readHouse())).toMatchFileSnapshot(join(docs, 'architecture.svg'))
  })

  it('has a paragraph for each floor in docs/architecture.md', () => {
    for (const floor of floors) {
      expect(purposes[floor]).not.toBe('')
      expect(architecture).toContain(`**src/${floor}**`)
    }
  })

  it('leads to files that are there', () => {
    const there = new Set(readHouse().map(({ path }) => `src/${path}`))
    const folders = new Set(
      [...there].flatMap((path) => path.split('/').map((_, i, all) => all.slice(0, i).join('/'))),
    )
    const named = [...architecture.matchAll(/`(src\/[\w./-]+?)\/?`/g)].map(([, path]) => path)
    expect(named.length).toBeGreaterThan(30)
    expect(
      named.filter((path) => !there.has(path) && !folders.has(path) && !path.includes('assembly')),
    ).toEqual([])
  })
})
