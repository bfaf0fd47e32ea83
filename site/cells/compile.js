// A cell's TypeScript as one module: types stripped, imports led to what the site serves, its last value shown.
import { parser } from '@lezer/javascript'
import { transform } from 'sucrase'

/** Top-level statements of JavaScript: { name, from, to }. */
function statements(code) {
  const found = []
  for (let at = parser.parse(code).topNode.firstChild; at !== null; at = at.nextSibling)
    if (!at.name.endsWith('Comment') && at.name !== ';')
      found.push({ name: at.name, from: at.from, to: at.to })
  return found
}

/** Without its types, line by line as it was. Throws SyntaxError. */
export function strip(code) {
  try {
    return transform(code, { transforms: ['typescript'], disableESTransforms: true }).code
  } catch (error) {
    throw new SyntaxError(String(error.message).replace(/^Error transforming [^:]*: /, ''))
  }
}

/** An import with its address in the place of its name. */
function led(statement, resolve) {
  return statement.replace(/(['"])([^'"]+)\1(\s*;?\s*)$/, (_, quote, name, end) => {
    const address = resolve(name)
    if (address === null)
      throw new SyntaxError(
        `a cell can import 'tinystill' and its parts, and 'site'; there is no '${name}' here`,
      )
    return `${quote}${address}${quote}${end}`
  })
}

/** JavaScript in two: its imports, led to where they lie, and the rest; `last` turns its last expression into another. */
function parts(code, resolve, last) {
  const all = statements(code)
  const imports = []
  let [body, from] = ['', 0]
  for (const it of all) {
    const text = code.slice(it.from, it.to)
    body += code.slice(from, it.from)
    from = it.to
    if (it.name === 'ImportDeclaration') imports.push(led(text, resolve))
    else if (it.name === 'ExportDeclaration') throw new SyntaxError('a cell exports nothing')
    else body += it === all.at(-1) && it.name === 'ExpressionStatement' ? last(text) : text
  }
  return { imports, body: body + code.slice(from) }
}

/** `check`: code that follows the cell's own and sees its names. `resolve`: name -> address or null. */
export function compile(source, { check = '', resolve }) {
  const cell = parts(strip(source), resolve, (text) => `__cell.value(${text.replace(/;\s*$/, '')}\n);`)
  const judge = parts(strip(check), resolve, (text) => text)
  return [
    `import * as __cell from ${JSON.stringify(resolve('runner'))};`,
    ...cell.imports,
    ...judge.imports,
    'try {',
    cell.body,
    `;{\n${judge.body}\n}`,
    '} catch (error) { __cell.failed(error) }',
    '__cell.done()',
    '',
  ].join('\n')
}
