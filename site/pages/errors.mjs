// A page a kind of error, with every text of it: read out of the sources, and of the records of ops, whose texts are whole.
import { readdirSync } from 'node:fs'
import ts from 'typescript'
import { cell, code, dist, read } from './read.mjs'

const WHAT = {
  ArgumentError: 'An argument that a function does not take.',
  ShapeError: 'Shapes that do not fit.',
  DTypeError: 'A dtype that an op does not take.',
  GradError: 'A gradient that cannot be had.',
  NonfiniteError: 'A loss or a gradient that is NaN or infinite. Nothing was changed.',
  BackendError: 'A backend that is missing or refused, and memory that ran out.',
  DataError: 'Data that cannot be read.',
  CheckpointError: 'A model folder, a weight file or a checkpoint that does not fit.',
  RangeError: 'A number outside of what is meant.',
  UsageError: 'Wrong usage of the command line. It exits with 2.',
}

/** A string or template as people meet it, with ... where a value stands; null where it is something else. */
function textOf(node) {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node))
    return [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('...')
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression)
  if (ts.isConditionalExpression(node)) return textOf(node.whenTrue) ?? textOf(node.whenFalse)
  return null
}

const FILE_FIRST = new Set(['DataError', 'CheckpointError'])
const OP_FIRST = new Set(['ShapeError', 'DTypeError', 'ArgumentError'])

/** { kind, text, hint, file } of each `new ...Error(...)` of a file whose text can be read. */
function errorsIn(file) {
  const source = ts.createSourceFile(file, read(`src/${file}`), ts.ScriptTarget.ES2022, true)
  const found = []
  const visit = (node) => {
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
      const kind = node.expression.text
      const args = (node.arguments ?? []).map(textOf)
      if (kind in WHAT) {
        const named = FILE_FIRST.has(kind) || OP_FIRST.has(kind)
        const [first, ...rest] = named ? args : [null, ...args]
        const [text, hint = null] = rest
        if (typeof text === 'string' && /[a-z]{3}/.test(text))
          found.push({ kind, text: named ? `${first ?? '...'}: ${text}` : text, hint, file })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const sources = () =>
  readdirSync(new URL('../../src', import.meta.url), { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.includes('assembly/') && !file.endsWith('generated.ts'))
    .sort()

/** Of ops: the whole texts of their records' cases, with the page of the op. */
async function ofOps() {
  const [{ allOps }] = await Promise.all([dist('autograd/op.js'), dist('index.js')])
  return allOps().flatMap(({ record }) =>
    record.errors().map(({ error, text }) => ({ kind: error.name, text, hint: null, op: record.name })),
  )
}

const shown = (text) => cell(code(text.replaceAll('\n', ' ')))

/** What a text is sorted by: a name that is not known stands before too many. */
const wordsOf = ({ text }) => text.replace(/^(\.\.\.:? )+/, '')

function pageOf(kind, errors) {
  const rows = errors.map(({ text, hint, op, file }) => {
    const from = op === undefined ? code(`src/${file}`) : `[${op}](/ops/${op})`
    return `| ${shown(text)} | ${hint === null ? '' : cell(hint.replaceAll('<', '&lt;').replaceAll('{{', '{&#123;'))} | ${from} |`
  })
  return `# ${kind}

${WHAT[kind]} Dots stand for what the error names: a function, a file, a number. Those of ops are whole, as their tests have them.

| text | what to do | from |
|---|---|---|
${rows.join('\n')}
`
}

export async function errorPages() {
  const all = [...(await ofOps()), ...sources().flatMap(errorsIn)]
  const pages = Object.keys(WHAT).flatMap((kind) => {
    const seen = new Set()
    const own = all
      .filter((it) => it.kind === kind && !seen.has(it.text) && seen.add(it.text))
      .sort((a, b) => (wordsOf(a) < wordsOf(b) ? -1 : 1))
    return own.length === 0
      ? []
      : [{ name: kind.toLowerCase(), title: kind, count: own.length, markdown: pageOf(kind, own) }]
  })
  const rows = pages.map(
    ({ name, title, count }) => `| [${title}](/errors/${name}) | ${WHAT[title]} | ${count} |`,
  )
  const total = pages.reduce((sum, { count }) => sum + count, 0)
  const markdown = `# Errors by their text

${total} texts, read out of the sources. Every one says which function or file it is about, what it got, and where there is a remedy, that. The search of this site finds them by their words.

| error | | texts |
|---|---|---|
${rows.join('\n')}
`
  return [{ name: 'index', title: 'Errors', markdown }, ...pages.map(({ count, ...page }) => page)]
}
