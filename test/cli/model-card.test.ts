// The card of a model stays a card, whatever its classes and files are called.
import { describe, expect, it } from 'vitest'
import { type CardRecord, modelCard } from '../../src/cli/model-card.js'

const record: CardRecord = {
  ...{ tinystill: '0.1.0', node: 'v20', platform: 'linux x64', seed: 1, seconds: 3 },
  recipe: { name: 'hinton', source: 'Hinton' },
  ...{ teachers: ['T'], student: 'tiny', classes: ['a | b', '<script>', '# c\n# d'], problems: ['x'] },
  ...{ plan: 'loss = ```x```', judgedOn: 'test', columns: ['', 'accuracy'], rows: [['a|b', '90%']] },
  ...{
    verdicts: ['yes'],
    command: 'tinystill distill',
    data: { train: { file: 'a_b.tsv', bytes: 3, sha256: 'ab' } },
  },
}

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
})
