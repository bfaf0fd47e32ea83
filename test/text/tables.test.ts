// Random tables that pandas wrote, in every quoting mode: read back as they were. More of them: see golden/tables.py.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readRows } from '../../src/text/rows.js'

interface Table {
  how: string
  ending: 'tsv' | 'csv'
  content: string
  rows: [text: string, textB: string | null, label: string][]
}

const file = process.env.TINYSTILL_TABLES ?? join(import.meta.dirname, '../golden/tables.json')
const { tables }: { tables: Table[] } = JSON.parse(readFileSync(file, 'utf8'))

/** As readLines cuts them. */
const linesOf = (content: string) => {
  const lines = content.split('\n')
  if (lines[lines.length - 1] === '') lines.pop()
  return lines.map((line, i) => ({ text: line.replace(/\r$/, ''), number: i + 1 }))
}

function read({ content, ending }: Table): unknown {
  try {
    return Array.from(readRows(linesOf(content), ending, 'table'), ({ text, textB, label }) => [
      text,
      textB,
      label,
    ])
  } catch (error) {
    return String(error)
  }
}

describe('tables of pandas', () => {
  it(`are read back equal: ${tables.length} of them`, () => {
    const wrong = tables.flatMap((table, seed) => {
      const found = read(table)
      return JSON.stringify(found) === JSON.stringify(table.rows) ? [] : [{ seed, found, ...table }]
    })
    expect(wrong).toEqual([])
  })
})
