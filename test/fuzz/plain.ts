// Plain readers of JSON and tables, in other ways than those of src: what is accepted there is held to them.

/** The text of bytes that are UTF-8, without a byte order mark; null where they are not. */
export function textIn(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** How many names the objects inside have. */
function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce((n: number, v) => n + countNames(v), 0)
  return Array.isArray(value) ? inner : inner + Object.keys(value).length
}

/** What JSON.parse gives; null where it refuses or a name comes twice: then there are more colons than names. */
export function plainJson(bytes: Uint8Array): { value: unknown } | null {
  const text = textIn(bytes)
  if (text === null) return null
  try {
    const value = JSON.parse(text)
    const colons = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '').split(':').length - 1
    return colons === countNames(value) ? { value } : null
  } catch {
    return null
  }
}

/** Fields as text, rows as lists, of text whose lines end in LF: RFC 4180, letter by letter. Null where a quote is out of place or does not close. */
export function plainCsv(text: string): string[][] | null {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let state: 'start' | 'bare' | 'quoted' | 'closed' = 'start'
  const endField = () => {
    row.push(field)
    field = ''
    state = 'start'
  }
  const endRow = () => {
    endField()
    rows.push(row)
    row = []
  }
  for (const c of text) {
    if (state === 'quoted') {
      if (c === '"') state = 'closed'
      else field += c
    } else if (c === '"') {
      if (state === 'bare') return null
      if (state === 'closed') field += '"'
      state = 'quoted'
    } else if (c === ',') endField()
    else if (c === '\n') endRow()
    else {
      if (state === 'closed') return null
      state = 'bare'
      field += c
    }
  }
  if (state === 'quoted') return null
  if (row.length > 0 || field !== '' || (state as string) === 'closed') endRow()
  return rows
}
