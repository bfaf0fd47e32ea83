// A cell's code in a link: behind the '#', which no server sees. What comes in with a link is shown, and runs by a click only.

const MOST = 20_000

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))

export function linkOf(id, code) {
  const bytes = new TextEncoder().encode(code)
  const text = btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
  return `${location.origin}${location.pathname}#code=${id}.${text}`
}

/** The code for the cell `id` in this page's address, or null. */
export function codeFor(id) {
  const [, at, text] = /^#code=([\w-]+)\.([\w-]+)$/.exec(location.hash) ?? []
  if (at !== id || text === undefined || text.length > MOST) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(text))
  } catch {
    return null
  }
}
