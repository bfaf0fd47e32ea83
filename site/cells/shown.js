// Values as a cell prints them: the same text in every browser and in Node.

const MOST = 100
const DEEPEST = 4

function listed(items, open, close) {
  const more = items.length > MOST ? [`... ${items.length - MOST} more`] : []
  const all = [...items.slice(0, MOST), ...more].join(', ')
  return all === '' ? `${open}${close}` : open === '{' ? `{ ${all} }` : `${open}${all}${close}`
}

function inside(value, Tensor, depth) {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `[function ${value.name || 'without a name'}]`
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Tensor || value instanceof Error) return String(value)
  if (depth >= DEEPEST) return '...'
  const next = (it) => inside(it, Tensor, depth + 1)
  if (Array.isArray(value)) return listed(value.map(next), '[', ']')
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return `${value.constructor.name}${listed(Array.from(value, next), '[', ']')}`
  if (value instanceof Set) return `Set ${listed(Array.from(value, next), '{', '}')}`
  if (value instanceof Map)
    return `Map ${listed(
      Array.from(value, ([k, v]) => `${next(k)} => ${next(v)}`),
      '{',
      '}',
    )}`
  const own = Object.getPrototypeOf(value)
  const plain = own === Object.prototype || own === null
  if (!plain && typeof value.toString === 'function' && value.toString !== Object.prototype.toString)
    return String(value)
  const fields = Object.entries(value).map(([key, v]) => `${key}: ${next(v)}`)
  return `${plain ? '' : `${value.constructor?.name ?? ''} `}${listed(fields, '{', '}')}`
}

/** As console.log shows it: text stays text. */
export const shown = (value, Tensor) => (typeof value === 'string' ? value : inside(value, Tensor, 0))
