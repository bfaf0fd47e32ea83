// Code of pages that is no cell: TypeScript is held to dist's types, commands to the parser's own help, YAML to its grammar.
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { parse } from 'yaml'
import { helpOf } from '../pages/commands.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  types: [],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
}

/** [{ name, code }] -> complaints. The files are nowhere; they lie as if beside package.json, for which 'tinystill' is itself. */
export function typeErrors(pieces) {
  const files = new Map(pieces.map(({ code }, i) => [`${root}fence-${i}.ts`, `${code}\nexport {}\n`]))
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (file) => files.has(file) || fileExists(file)
  host.readFile = (file) => files.get(file) ?? readFile(file)
  host.getSourceFile = (file, ...rest) =>
    files.has(file)
      ? ts.createSourceFile(file, files.get(file), options.target)
      : getSourceFile.call(host, file, ...rest)
  const program = ts.createProgram([...files.keys()], options, host)
  const paths = [...files.keys()]
  return ts.getPreEmitDiagnostics(program).map((it) => {
    const of =
      it.file === undefined ? 'a page' : (pieces[paths.indexOf(it.file.fileName)]?.name ?? it.file.fileName)
    return `${of}: ${ts.flattenDiagnosticMessageText(it.messageText, ' ')}`
  })
}

const helps = new Map()

/** What is wrong with a line of a shell that calls tinystill; null where nothing is. */
export async function commandError(line) {
  const [, name, rest = ''] = /tinystill\s+([a-z-]+)(.*)$/.exec(line) ?? []
  if (name === undefined) return null
  if (!helps.has(name)) helps.set(name, await helpOf(name))
  const help = helps.get(name)
  if (!help.includes(`tinystill ${name}`)) return `there is no tinystill ${name}`
  for (const [flag] of rest.matchAll(/(?<=\s)--[a-z][a-z0-9-]*/g))
    if (!new RegExp(`(^|[\\s,])${flag}(?![a-z-])`, 'm').test(help)) return `tinystill ${name} has no ${flag}`
  return null
}

/** Complaints of all pages: [{ path, markdown }]. */
export async function fenceErrors(pages) {
  const pieces = []
  const found = []
  for (const { path, markdown } of pages)
    for (const [, info, text] of markdown.matchAll(/^```([^\n`]*)\n([\s\S]*?)^```$/gm)) {
      if (info === 'ts') pieces.push({ name: path, code: text })
      if (info === 'sh')
        for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
          const wrong = await commandError(line)
          if (wrong !== null) found.push(`${path}: ${wrong}`)
        }
      if (info === 'yaml')
        try {
          parse(text)
        } catch (error) {
          found.push(`${path}: ${error.message}`)
        }
    }
  return { pieces: pieces.length, found: [...found, ...typeErrors(pieces)] }
}
