// The sources as a list of files with what each imports, read by TypeScript's own scanner. Types count: who knows a type
// knows the file that it stands in.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

export interface SourceFile {
  /** Below src: 'nn/module.ts'. */
  path: string
  lines: number
  text: string
  /** Paths below src, each once; packages and Node's own modules are left out. */
  imports: readonly string[]
}

export const src = join(import.meta.dirname, '../../src')

/** What a file imports from other files below src: values, types, and what is loaded later. */
export function importsOf(path: string, text: string): string[] {
  const found = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
  const own = found.filter((name) => name.startsWith('.'))
  const paths = own.map((name) => relative(src, join(src, dirname(path), name)).replace(/\.js$/, '.ts'))
  return [...new Set(paths)]
}

/** All sources but the AssemblyScript, which another compiler reads, and what is generated. */
export function readHouse(): SourceFile[] {
  const paths = (readdirSync(src, { recursive: true }) as string[])
    .filter((path) => path.endsWith('.ts') && !path.includes('assembly') && !path.endsWith('generated.ts'))
    .sort()
  return paths.map((path) => {
    const text = readFileSync(join(src, path), 'utf8')
    const imports = importsOf(path, text).filter((to) => !to.endsWith('generated.ts'))
    return { path, lines: text.split('\n').length - 1, text, imports }
  })
}
