// The card of a model stays a card, whatever its classes and files are called.
import { describe, expect, it } from 'vitest'
import { type CardRecord, modelCard } from '../../src/report/model-card.js'
import { HOSTILE } from '../distill/hostile.js'

/** A record in which each text of others is made by `say`. */
const filled = (say: (place: string) => string): CardRecord => ({
  ...{ tinystill: '0.1.0', node: 'v20', platform: 'linux x64', seed: 1, seconds: 3, judgedOn: 'test' },
  recipe: { name: 'hinton', source: 'Hinton' },
  ...{ teachers: [say('T')], student: say('tiny'), classes: [say('class')], problems: [say('x')] },
  ...{ plan: say('loss'), columns: ['', 'accuracy'], rows: [[say('model'), '90%']] },
  ...{
    verdicts: [say('yes')],
    command: say('tinystill distill'),
    data: { train: { file: say('a.tsv'), bytes: 3, sha256: 'ab' } },
  },
})

const record = {
  ...filled(String),
  ...{ classes: ['a | b', '<script>', '# c\n# d'], plan: 'loss = ```x```', rows: [['a|b', '90%']] },
  data: { train: { file: 'a_b.tsv', bytes: 3, sha256: 'ab' } },
}

const MARKDOWN = [
  '[x](javascript:alert(1))',
  '![x](http://host.invalid/x.png)',
  '[x]: http://host.invalid',
  '<http://host.invalid>',
  'http://host.invalid and www.host.invalid',
  '---',
  '- - -',
  '***',
  '===',
  '# heading',
  '> quote',
  '1. one',
  '1) one',
  '+ plus',
  '~~~',
  '```',
  '`code`',
  '| a | b |',
  '\\| a \\',
  '**bold** _it_ ~~gone~~',
  '$x$ and $$y$$',
  'a  \nb\\\nc',
  '\n\n---\ntitle: x\n---\n',
  '    code',
  '\tcode',
  '\r\n\u2028\u2029\u0085# next',
  '[^1]',
  '- [ ] task',
]

describe('a model card', () => {
  it('escapes what Markdown would take for its own', () => {
    const card = modelCard(record)
    expect(card).toContain('(a \\| b, &lt;script\\>, \\# c \\# d)')
    expect(card).toContain('````\nloss = ```x```\n````')
    expect(card).toContain('|  | accuracy |\n| --- | --- |\n| a\\|b | 90% |')
    expect(card).toContain('Found wrong before the start, and overruled')
    expect(card).toContain('a\\_b.tsv, 3 bytes, SHA-256 `ab`')
  })

  it('claims nothing that was not measured', () => {
    expect(modelCard({ ...record, judgedOn: 'no' })).toContain('There was no set to judge on.')
  })

  /** Lines outside of fences, and whether each fence was closed by its like. */
  const outside = (card: string): string[] => {
    let fence: string | null = null
    const lines = card.split(/\r\n?|\n/).filter((line) => {
      const own = /^`{3,}$/.exec(line)?.[0] ?? null
      const border = fence === null ? own !== null : own !== null && own.length >= fence.length
      const shown = fence === null && !border
      if (border) fence = fence === null ? own : null
      return shown
    })
    expect(fence).toBeNull()
    return lines
  }
  const usual = outside(modelCard(filled(() => 'harmless')))

  it.each([...HOSTILE, ...MARKDOWN].map((text) => [JSON.stringify(text), text]))(
    '%s stays text',
    (_, text) => {
      const lines = outside(modelCard(filled(() => text)))
      // Nothing begins a line, ends a table's cell, or is left unescaped that was not there before.
      expect(lines).toHaveLength(usual.length)
      const unescaped = (line: string) => line.replace(/\\[!-/:-@[-`{-~]|&(lt|amp);/g, '')
      lines.forEach((line, i) => {
        // Our own code spans and table edges are in the harmless card too.
        const [got, want] = [line, usual[i]].map((l) => unescaped(l).replace(/[^\\`*_{}[\]<>#|!~&$]/g, ''))
        expect(got).toBe(want)
        expect(/^(#+|\||- |\S)/.exec(line)?.[1][0]).toBe(/^(#+|\||- |\S)/.exec(usual[i])?.[1][0])
        if (line.startsWith('- ')) expect(line.slice(2)).not.toMatch(/^([-+*]|\d+[.)])/)
        expect(line).not.toMatch(/(?<!\\):\/\/|www\./)
      })
    },
  )

  it('has no front matter that a text could write into', () => {
    expect(modelCard(filled(() => '\n---\nlicense: x\n---'))).toMatch(
      /^# hinton student of --- license: x ---\n/,
    )
  })
})
