// Where each kind of line goes. With --json, standard output carries one JSON document and nothing else.
import { printable } from './plain.js'

export interface Sink {
  write(s: string): void
}

export interface Output {
  /** A result for people: standard output, or standard error when that is kept for JSON. May hold line feeds. */
  print(text: string): void
  /** Something worth knowing on the way: standard error, unless quiet. */
  info(text: string): void
  /** The result as a document; does nothing without json. Call it once. */
  json(doc: unknown): void
}

export function createOutput(options: { json: boolean; quiet: boolean; stdout: Sink; stderr: Sink }): Output {
  const { stdout, stderr } = options
  const lines = (text: string) => `${text.split('\n').map(printable).join('\n')}\n`
  return {
    print: (text) => (options.json ? stderr : stdout).write(lines(text)),
    info: (text) => {
      if (!options.quiet) stderr.write(lines(text))
    },
    json: (doc) => {
      if (options.json) stdout.write(`${JSON.stringify(doc, null, 2)}\n`)
    },
  }
}
