// What a page may do: run and style itself with exactly the texts whose hashes it names, and nothing else. It loads nothing.
import { sha256 } from '../../formats/sha256.js'

/** Of a text's UTF-8 bytes, in base64. */
const sha256Base64 = (text: string) => btoa(String.fromCharCode(...sha256(new TextEncoder().encode(text))))

const sources = (texts: readonly string[]) =>
  texts.length === 0 ? "'none'" : texts.map((text) => `'sha256-${sha256Base64(text)}'`).join(' ')

/** A Content-Security-Policy for a meta element, which must stand before all that it is to hold for. */
export const contentPolicy = (styles: readonly string[], scripts: readonly string[]): string =>
  [
    "default-src 'none'",
    `style-src ${sources(styles)}`,
    `script-src ${sources(scripts)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
