// Where each kind of line goes. With --json, standard output carries one JSON document and nothing else.
import { printable } from './plain.js'

export interface Sink {
  write(s: string): void
  /** Resolves when what was written has gone on its way far enough to write more. */
  drained?(): Promise<void>
}

/** A JSON document { name: [items] } that is written as its items come. */
export interface JsonList {
  add(item: unknown): void
  /** Once, after the last. A document that is not ended is no JSON: a command that failed says so by its exit code. */
  end(): void
}

export interface Output {
  /** A result for people: standard output, or standard error when that is kept for JSON. May hold line feeds. */
  print(text: string): void
  /** A piece of a result that comes by and by: as print, without a line feed behind it. */
  write(text: string): void
  /** Something worth knowing on the way: standard error, unless quiet. */
  info(text: string): void
  /** The result as a document; does nothing without json. Call it once. */
  json(doc: unknown): void
  /** The same in pieces, for results of any length; the text is what json would write. */
  jsonList(name: string): JsonList
  /** One line of JSON on standard output. */
  jsonLine(item: unknown): void
  /** To be awaited in loops that print without end: resolves when standard output takes more. */
  drained(): Promise<void>
}

export function createOutput(options: { json: boolean; quiet: boolean; stdout: Sink; stderr: Sink }): Output {
  const { stdout, stderr } = options
  const piece = (text: string) => text.split('\n').map(printable).join('\n')
  const lines = (text: string) => `${piece(text)}\n`
  return {
    print: (text) => (options.json ? stderr : stdout).write(lines(text)),
    write: (text) => (options.json ? stderr : stdout).write(piece(text)),
    info: (text) => {
      if (!options.quiet) stderr.write(lines(text))
    },
    json: (doc) => {
      if (options.json) stdout.write(`${JSON.stringify(doc, null, 2)}\n`)
    },
    jsonList: (name) => {
      if (!options.json) return { add: () => {}, end: () => {} }
      let before = `{\n  ${JSON.stringify(name)}: [\n`
      return {
        add: (item) => {
          stdout.write(`${before}    ${JSON.stringify(item, null, 2).replaceAll('\n', '\n    ')}`)
          before = ',\n'
        },
        end: () => stdout.write(before === ',\n' ? '\n  ]\n}\n' : `{\n  ${JSON.stringify(name)}: []\n}\n`),
      }
    },
    jsonLine: (item) => stdout.write(`${JSON.stringify(item)}\n`),
    drained: async () => stdout.drained?.(),
  }
}
