// Numbers that JSON has no words for, NaN and the infinities, as texts and back. Texts of these spellings are not expected.
const names = new Map([NaN, Infinity, -Infinity].map((x) => [String(x), x]))

const mapped = (value: unknown, leaf: (x: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map((x) => mapped(x, leaf))
  if (typeof value !== 'object' || value === null) return leaf(value)
  return Object.fromEntries(Object.entries(value).map(([name, x]) => [name, mapped(x, leaf)]))
}

export const toJson = (value: unknown): unknown =>
  mapped(value, (x) => (typeof x === 'number' && !Number.isFinite(x) ? String(x) : x))

export const fromJson = (value: unknown): unknown =>
  mapped(value, (x) => (typeof x === 'string' ? (names.get(x) ?? x) : x))
