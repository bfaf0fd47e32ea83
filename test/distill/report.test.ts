// The report: a document that loads nothing, runs nothing but its own script, and in which hostile text stays text.
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { dataIsland } from '../../src/report/page/island.js'
import { PAGE_SCRIPT } from '../../src/report/page/script.js'
import { renderReport } from '../../src/report/report.js'
import { filledReport, HOSTILE, parse } from './hostile.js'

describe('renderReport', () => {
  const html = renderReport(filledReport((place) => place))
  const bars = (value: number) => {
    const items = [{ name: 'animal', groups: [{ name: 'T = 1', value }] }]
    const sections = [{ title: 's', bars: { label: 'l', items } }]
    return /<th scope="row">animal<\/th><td>(.*?)<\/td>/.exec(
      renderReport({ ...filledReport(String), sections }),
    )![1]
  }

  const policyOf = (page: string) => {
    const { elements } = parse(page)
    // Only a charset may stand before the policy: what comes earlier is not under it.
    expect(elements.slice(0, 4).map((e) => e.name)).toEqual(['html', 'head', 'meta', 'meta'])
    expect(elements[3].attributes['http-equiv']).toBe('Content-Security-Policy')
    return elements[3].attributes.content
  }
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  /** What stands in the elements of a name; style and script hold text alone. */
  const contents = (page: string, name: string) => [
    ...new Set(Array.from(page.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs')), (m) => m[1])),
  ]

  it('is one document that loads nothing', () => {
    const names = new Set(parse(html).elements.map((e) => e.name))
    for (const active of ['link', 'img', 'iframe', 'object', 'embed', 'form', 'a', 'base', 'use', 'image'])
      expect(names).not.toContain(active)
    expect(html).not.toMatch(/url\(|@import|src=|href=/)
    for (const { attributes } of parse(html).elements)
      expect(Object.keys(attributes).filter((name) => /^(on|style$)/.test(name))).toEqual([])
  })

  it('allows its own style and script by their hashes, and nothing else', () => {
    const [styles, scripts] = ['style', 'script'].map((name) => contents(html, name).map(hash).join(' '))
    expect(contents(html, 'style')).toHaveLength(2)
    expect(contents(html, 'script')).toEqual([PAGE_SCRIPT])
    expect(policyOf(html)).toBe(
      `default-src 'none'; style-src ${styles}; script-src ${scripts}; base-uri 'none'; form-action 'none'`,
    )
  })

  it('has no script where nothing is to be turned', () => {
    const page = renderReport({ ...filledReport(String), sections: [] })
    expect(page).not.toContain('<script')
    expect(policyOf(page)).toContain("script-src 'none';")
  })

  it('has a script that is one, and makes no markup', () => {
    expect(() => new Function(PAGE_SCRIPT)).not.toThrow()
    expect(PAGE_SCRIPT).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|<\/|<!--/,
    )
  })

  it('closes what it opens', () => {
    expect(parse(html).unbalanced).toEqual([])
  })

  it('prints numbers, aligns their columns and marks headers', () => {
    expect(html).toContain('<th scope="col">column</th><th scope="col" class="n">n</th>')
    expect(html).toContain('<tr><th scope="row">row</th><td class="n">12,350</td></tr>')
    expect(html).toContain('<dt>fact</dt><dd>value</dd>')
    const rows = [
      ['a', Number.NaN, 3],
      ['b', 0.123456],
      ['c', -1e6, 1, 'too many'],
    ]
    const table = { columns: ['m', 'p', 'q'], rows }
    const cells = [
      ...renderReport({ ...filledReport(String), table }).matchAll(/<td[^>]*>([^<]*)<\/td>/g),
    ].map((m) => m[1])
    expect(cells.slice(0, 6)).toEqual(['\u2013', '3', '0.1235', '', '-1,000,000', '1'])
  })

  it.each([
    [0.3, '30.0%', '30.00'],
    [1, '100.0%', '100.00'],
    [0, '0.0%', '0.00'],
    [0.0004, '&lt; 0.1%', '0.04'],
    [7, '100.0%', '100.00'],
    [-1, '0.0%', '0.00'],
  ])('a bar for %f says %s', (value, said, width) => {
    expect(bars(value)).toBe(
      `<span>${said}</span><svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="1" fill="var(--c0)"/></svg>`,
    )
  })

  it('has no bar for what is not a number', () => {
    expect(bars(Number.NaN)).toBe('\u2013')
  })

  it('puts the temperatures side by side', () => {
    const groups = [
      { name: 'T = 1', value: 0.9 },
      { name: 'T = 4', value: 0.4 },
    ]
    const items = [
      { name: 'animal', groups },
      { name: 'food', groups: [groups[1]] },
    ]
    const page = renderReport({
      ...filledReport(String),
      sections: [{ title: 's', bars: { label: 'l', items } }],
    })
    expect(page).toContain('<tr><td></td><th scope="col">T = 1</th><th scope="col">T = 4</th></tr>')
    expect(page).toMatch(
      />animal<\/th><td><span>90.0%<.*<span>40.0%<.*\n<tr><th scope="row">food<\/th><td>\u2013<\/td><td><span>40.0%</,
    )
  })

  it('is the same twice', () => {
    expect(renderReport(filledReport(String))).toBe(renderReport(filledReport(String)))
  })
})

describe('hostile text', () => {
  // Positions in the chart depend on the length of names, so digits in attributes are not compared.
  const skeleton = (html: string) =>
    parse(html).elements.map(({ name, attributes }) =>
      [name, ...Object.entries(attributes).map(([k, v]) => `${k}=${v.replace(/\d+(\.\d+)?/g, '#')}`)].join(
        ' ',
      ),
    )
  const harmless = skeleton(renderReport(filledReport(() => 'harmless')))

  it('is 50 different strings', () => {
    expect(new Set(HOSTILE).size).toBe(50)
  })

  it.each(HOSTILE.map((text) => [JSON.stringify(text), text]))('%s stays text', (_, text) => {
    const html = renderReport(filledReport(() => text))
    const parsed = parse(html)
    expect(skeleton(html)).toEqual(harmless)
    expect(parsed.unbalanced).toEqual([])
    // Nothing lost either: the heading reads as it was given, but for characters that HTML cannot hold.
    const heading = parsed.texts.find((t) => t.parent === 'h1')?.text ?? ''
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    const expected = text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd').replace(/\p{Cs}/gu, '\ufffd')
    expect(heading).toBe(expected)
  })
})

describe('dataIsland', () => {
  const hostile = [...HOSTILE, '</script>', '<!--<script>', ']]>', '\u2028\u2029']

  it.each(hostile.map((text) => [JSON.stringify(text), text]))(
    'holds %s and is not left by it',
    (_, text) => {
      const html = dataIsland({ [text]: [text] })
      const inside = html.slice('<script type="application/json">'.length, -'</script>'.length)
      expect(inside).not.toMatch(/[<>&\u2028\u2029]/)
      expect(JSON.parse(inside)).toEqual({ [text]: [text] })
      expect(parse(html)).toMatchObject({ elements: [{ name: 'script' }], unbalanced: [] })
    },
  )
})

describe('the parser of these tests', () => {
  it('sees elements, attributes and scripts that get through', () => {
    const { elements } = parse('<p>a<img src=x onerror="alert(1)"></p><script>1<2</script><svg/onload=x>')
    expect(elements).toEqual([
      { name: 'p', attributes: {} },
      { name: 'img', attributes: { src: 'x', onerror: 'alert(1)' } },
      { name: 'script', attributes: {} },
      { name: 'svg', attributes: { onload: 'x' } },
    ])
  })
})
