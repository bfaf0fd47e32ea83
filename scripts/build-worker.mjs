// Writes the text of what the gpu's worker runs, out of the sources of its two functions: a worker must start from a bundle
// too, and what a bundler makes of a function calls helpers that the worker does not have.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const folder = fileURLToPath(new URL('../src/tensor/backends/gpu/', import.meta.url))
const target = `${folder}generated.ts`

/** A function declaration as an expression of plain JavaScript. */
function textOf(file, name) {
  const text = readFileSync(`${folder}${file}`, 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const found = source.statements.find((s) => ts.isFunctionDeclaration(s) && s.name?.text === name)
  if (found === undefined) throw new Error(`${file} has no function ${name}`)
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true }
  return ts
    .transpileModule(found.getText(source), { compilerOptions: options })
    .outputText.replace(/^export /, '')
    .trim()
}

/** Writes generated.ts where it would change. */
export function buildWorker() {
  const lines = [
    ['createEngineText', textOf('engine.ts', 'createEngine')],
    ['serveText', textOf('worker.ts', 'serve')],
  ].map(([name, text]) => `export const ${name}: string = ${JSON.stringify(text)}\n`)
  const text = `// Made by scripts/build-worker.mjs.\n${lines.join('')}`
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) writeFileSync(target, text)
}
