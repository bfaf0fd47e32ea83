// The report: a document that loads nothing, and in which hostile text stays text.
import { describe, expect, it } from 'vitest'
import { type Report, renderReport } from '../../src/distill/report.js'
import { HOSTILE, parse } from './hostile.js'

/** A report in which every text is made by `say`. */
function filled(say: (place: string) => string): Report {
  return {
    title: say('title'),
    intro: say('intro'),
    table: { columns: [say('column'), 'n'], rows: [[say('row'), 12345.678]] },
    charts: [
      {
        title: say('chart'),
        xLabel: say('x'),
        yLabel: say('y'),
        series: [
          {
            name: say('series'),
            points: [
              [0, 1],
              [1, 2],
            ],
          },
        ],
        reference: [{ name: say('reference'), y: 1.5 }],
      },
    ],
    sections: [
      {
        title: say('section'),
        text: say('text'),
        table: { columns: [say('c2')], rows: [[say('r2')]] },
        bars: {
          label: say('label'),
          items: [{ name: say('item'), groups: [{ name: say('group'), value: 0.3 }] }],
        },
      },
    ],
    facts: [[say('fact'), say('value')]],
  }
}

describe('renderReport', () => {
  const html = renderReport(filled((place) => place))
  const bars = (value: number) => {
    const items = [{ name: 'animal', groups: [{ name: 'T = 1', value }] }]
    const sections = [{ title: 's', bars: { label: 'l', items } }]
    return /<th scope="row">animal<\/th><td>(.*?)<\/td>/.exec(
      renderReport({ ...filled(String), sections }),
    )![1]
  }

  it('is one document that loads and runs nothing', () => {
    const { elements } = parse(html)
    const names = new Set(elements.map((e) => e.name))
    for (const active of [
      'script',
      'link',
      'img',
      'iframe',
      'object',
      'embed',
      'form',
      'a',
      'base',
      'use',
      'image',
    ])
      expect(names).not.toContain(active)
    expect(html).not.toMatch(/url\(|@import|src=|href=/)
    const policy = elements.find((e) => e.attributes['http-equiv'] === 'Content-Security-Policy')!
    expect(policy.attributes.content).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline'(; [a-z-]+ 'none')*$/,
    )
    // Only a charset may stand before the policy: what comes earlier is not under it.
    expect(elements.slice(0, 4).map((e) => e.name)).toEqual(['html', 'head', 'meta', 'meta'])
    expect(elements[3]).toBe(policy)
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
    const cells = [...renderReport({ ...filled(String), table }).matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map(
      (m) => m[1],
    )
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
      `${said}<span class="bar"><i style="width:${width}%;background:var(--c0)"></i></span>`,
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
    const page = renderReport({ ...filled(String), sections: [{ title: 's', bars: { label: 'l', items } }] })
    expect(page).toContain('<tr><td></td><th scope="col">T = 1</th><th scope="col">T = 4</th></tr>')
    expect(page).toMatch(
      />animal<\/th><td>90.0%<.*<td>40.0%<.*\n<tr><th scope="row">food<\/th><td>\u2013<\/td><td>40.0%</,
    )
  })

  it('is the same twice', () => {
    expect(renderReport(filled(String))).toBe(renderReport(filled(String)))
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
  const harmless = skeleton(renderReport(filled(() => 'harmless')))

  it('is 50 different strings', () => {
    expect(new Set(HOSTILE).size).toBe(50)
  })

  it.each(HOSTILE.map((text) => [JSON.stringify(text), text]))('%s stays text', (_, text) => {
    const html = renderReport(filled(() => text))
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
