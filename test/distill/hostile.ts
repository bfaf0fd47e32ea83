// Texts that try to become markup, a report full of them, and a small HTML tokenizer (after the WHATWG states) that sees
// if one did.
import type { Report } from '../../src/report/report.js'

export const HOSTILE: string[] = [
  '<script>alert(1)</script>',
  '</script><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '"><img src=x onerror=alert(1)>',
  "'><img src=x onerror=alert(1)>",
  '" onmouseover="alert(1)',
  "' onmouseover='alert(1)",
  '` onmouseover=`alert(1)',
  '</title><script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '</h1><h1>another',
  '</svg><p>out of the picture',
  '</desc><script>alert(1)</script>',
  '</text><text>',
  '</td></tr></table><form action=//x>',
  '</main></body></html><p>after the end',
  '<!-- a comment that never ends',
  '--><b>bold</b>',
  '<!--><b>bold</b>',
  '<![CDATA[<b>bold</b>]]>',
  ']]><b>bold</b>',
  '<?xml version="1.0"?><b/>',
  '<!DOCTYPE html><b>',
  '&lt;b&gt;',
  '&#60;b&#62;',
  '&#x3c;b&#x3e;',
  '&amp;lt;b&amp;gt;',
  '&ltb',
  '&',
  '&&amp;&amp',
  '<',
  '<<b>',
  '< b>',
  '<b',
  '<b a="',
  '>',
  '\0<b>\0',
  '<\0b>',
  'a\u0008\u001b[31mred',
  'half \ud800 a pair',
  '\udfff',
  '\u202egnp.<b>\u202c',
  '\u2028<b>\u2029',
  '\ufeff<b>',
  '\uff1cscript\uff1e',
  '+ADw-script+AD4-',
  '{{constructor.constructor("alert(1)")()}}',
  '$& $1 $$ $` \\u003cb\\u003e javascript:alert(1)',
  '<b>'.repeat(200),
]

/** A report with every kind of section, in which every text is made by `say`. */
export function filledReport(say: (place: string) => string): Report {
  const labels = { title: say('chart'), xLabel: say('x'), yLabel: say('y') }
  const line = (name: string): [number, number][] => [
    [0, 1],
    [1, name.length > 0 ? 2 : 1],
  ]
  // One layer, one head, two words: 4 bytes.
  const side = {
    ...{ name: say('side'), heads: [1] },
    texts: [{ words: [say('word'), 'b'], maps: 'AP8A/w==' }],
  }
  return {
    ...{ title: say('title'), intro: say('intro') },
    table: { columns: [say('column'), 'n'], rows: [[say('row'), 12345.678]] },
    charts: [
      {
        ...labels,
        series: [{ name: say('series'), points: line('series') }],
        reference: [{ name: say('reference'), y: 1.5 }],
      },
      { ...labels, points: [{ name: say('point'), x: 1, y: 2, spread: 0.5 }] },
    ],
    sections: [
      {
        ...{ title: say('section'), text: say('text') },
        charts: [{ ...labels, series: [{ name: say('s2'), points: line('s2') }] }],
        table: { columns: [say('c2')], rows: [[say('r2')]] },
        bars: {
          label: say('label'),
          items: [{ name: say('item'), groups: [{ name: say('group'), value: 0.3 }] }],
        },
        heat: { label: say('heat'), rows: [say('heat row')], columns: [say('heat column')], values: [[0.5]] },
        temperature: [
          {
            text: say('tempered'),
            bars: [
              { name: say('bar'), logits: [1] },
              { name: say('others'), logits: [0, -1] },
            ],
          },
        ],
        attention: { texts: [say('attended')], student: side, teacher: side, pairs: [0] },
      },
    ],
    facts: [[say('fact'), say('value')]],
  }
}

export interface Parsed {
  elements: { name: string; attributes: Record<string, string> }[]
  texts: { parent: string; text: string }[]
  unbalanced: string[]
}

const VOID = new Set(['meta', 'br', 'img', 'hr', 'input', 'link', 'rect', 'line', 'circle', 'polyline'])
const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' }
const decode = (text: string) =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|(amp|lt|gt|quot));?/gi, (_, dec, hex, name) =>
    name ? NAMED[name.toLowerCase()] : String.fromCodePoint(dec ? Number(dec) : Number.parseInt(hex, 16)),
  )

/** Elements in order with their attributes, texts with the element they are in, and end tags that do not fit. */
export function parse(html: string): Parsed {
  const out: Parsed = { elements: [], texts: [], unbalanced: [] }
  const open: string[] = []
  let at = 0
  while (at < html.length) {
    const rest = html.slice(at)
    const inside = open[open.length - 1] ?? ''
    if (/^<!--/.test(rest)) {
      const end = html.indexOf('-->', at + 2)
      out.elements.push({ name: '#comment', attributes: {} })
      at = end < 0 ? html.length : end + 3
    } else if (/^<[!?]/.test(rest)) {
      const end = html.indexOf('>', at)
      if (!/^<!doctype html>/i.test(rest) || at > 0) out.elements.push({ name: '#bogus', attributes: {} })
      at = end < 0 ? html.length : end + 1
    } else if (/^<\/[a-z]/i.test(rest)) {
      const [tag, name] = /^<\/([^\s/>]+)[^>]*>?/.exec(rest)!
      if (open.pop() !== name.toLowerCase()) out.unbalanced.push(name)
      at += tag.length
    } else if (/^<[a-z]/i.test(rest)) {
      at += readTag(rest, open, out)
    } else {
      // In style and script only their own end tag ends the text.
      const raw = inside === 'style' || inside === 'script'
      const end = raw
        ? html.toLowerCase().indexOf(`</${inside}`, at)
        : html.slice(at + 1).search(/<[a-z/!?]/i) + at + 1
      const stop = end <= at ? html.length : end
      out.texts.push({ parent: inside, text: raw ? html.slice(at, stop) : decode(html.slice(at, stop)) })
      at = stop
    }
  }
  out.unbalanced.push(...open)
  return out
}

function readTag(rest: string, open: string[], out: Parsed): number {
  const name = /^<([^\s/>]+)/.exec(rest)![1]
  const attributes: Record<string, string> = {}
  let at = name.length + 1
  for (;;) {
    at += /^[\s/]*/.exec(rest.slice(at))![0].length
    if (at >= rest.length || rest[at] === '>') break
    const [whole, key, double, single, bare] =
      /^([^\s/>=]+)(?:\s*=\s*(?:"([^"]*)"?|'([^']*)'?|([^\s>]*)))?/.exec(rest.slice(at)) ?? ['=', '=']
    attributes[key.toLowerCase()] = decode(double ?? single ?? bare ?? '')
    at += whole.length
  }
  out.elements.push({ name: name.toLowerCase(), attributes })
  if (!VOID.has(name.toLowerCase()) && rest[at - 1] !== '/') open.push(name.toLowerCase())
  return at + 1
}
