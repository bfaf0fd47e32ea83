// Data for a page's script. What is in it never ends the element that it stands in, nor begins a comment there.

const ESCAPES: Record<string, string> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/** A script element that nothing runs: JSON in which no character is special to HTML. */
export const dataIsland = (data: unknown): string =>
  `<script type="application/json">${JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (c) => ESCAPES[c])}</script>`
