// The public surface as TypeScript sees it: what the entries export, which of it has no comment, and which types its signatures
// name that nobody can import.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))

/** The entries of package.json by the names that they are imported by, as sources: what types see, and what browsers load. */
export const entries = Object.entries(manifest.exports as Record<string, Record<string, string>>).flatMap(
  ([name, { types, browser }]) =>
    [types?.replace('.d.ts', '.ts'), browser?.replace('.js', '.ts')]
      .filter((path) => path !== undefined)
      .map((path) => ({ name: name.slice(2), path: path.replace('./dist/', 'src/') })),
)

/** Entries whose imports a bundler keeps, and those that have types where a package's exports are not read. */
export const kept: string[] = manifest.sideEffects
export const typed: string[] = Object.keys(manifest.typesVersions['*'])

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: ['node'],
}

const isOurs = (node: ts.Node) => node.getSourceFile().fileName.startsWith(`${root}src/`)

/** A declaration that gives a type its name. */
function namesType(
  node: ts.Node,
): node is ts.InterfaceDeclaration | ts.TypeAliasDeclaration | ts.ClassDeclaration {
  return ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node)
}

const isHidden = (node: ts.Node) =>
  (ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(
      ({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword,
    )) ||
  ((ts.isPropertyDeclaration(node) || ts.isMethodDeclaration(node)) && ts.isPrivateIdentifier(node.name))

export interface Surface {
  /** Exported names, types and values. */
  exported: number
  /** 'FILE: NAME', in order. */
  uncommented: string[]
  /** 'FILE: NAME, in the signature of NAME', in order; each type once. */
  unexported: string[]
}

export function readSurface(): Surface {
  const sources = entries.map(({ path }) => root + path)
  const program = ts.createProgram(sources, options)
  const checker = program.getTypeChecker()
  const resolved = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const exported = new Set<ts.Symbol>()
  const visitModule = (symbol: ts.Symbol) => {
    for (const one of checker.getExportsOfModule(symbol)) {
      const it = resolved(one)
      if (exported.has(it)) continue
      exported.add(it)
      // nn and optim are whole modules.
      if (it.flags & ts.SymbolFlags.ValueModule) visitModule(it)
    }
  }
  for (const entry of sources) {
    const file = program.getSourceFile(entry)
    const symbol = file && checker.getSymbolAtLocation(file)
    if (symbol === undefined) throw new Error(`${entry} is no module`)
    visitModule(symbol)
  }

  const placeOf = (node: ts.Node) => node.getSourceFile().fileName.slice(root.length)
  const uncommented: string[] = []
  const missing = new Map<ts.Symbol, string>()
  const seek = (node: ts.Node, owner: string): void => {
    if (isHidden(node) || ts.isBlock(node)) return
    if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
      const name = ts.isTypeReferenceNode(node) ? node.typeName : node.expression
      const symbol = checker.getSymbolAtLocation(name)
      const it = symbol && resolved(symbol)
      const declared = it?.declarations?.find((d) => namesType(d) && isOurs(d))
      if (it && declared && !exported.has(it) && !missing.has(it))
        missing.set(it, `${placeOf(declared)}: ${it.name}, in the signature of ${owner}`)
    }
    // What a variable or a field is set to is no part of its signature; a function's is, up to its body.
    if (
      (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node) || ts.isParameter(node)) &&
      node.initializer
    ) {
      const { initializer } = node
      ts.forEachChild(node, (child) => {
        if (child !== initializer) seek(child, owner)
        else if (ts.isArrowFunction(child))
          for (const part of [...child.parameters, child.type]) if (part) seek(part, owner)
      })
      return
    }
    ts.forEachChild(node, (child) => seek(child, owner))
  }
  for (const symbol of exported)
    for (const declaration of symbol.declarations ?? []) {
      if (!isOurs(declaration) || ts.isSourceFile(declaration)) continue
      if (namesType(declaration) && symbol.getDocumentationComment(checker).length === 0)
        uncommented.push(`${placeOf(declaration)}: ${symbol.name}`)
      seek(declaration, symbol.name)
    }
  return {
    exported: exported.size,
    uncommented: [...new Set(uncommented)].sort(),
    unexported: [...missing.values()].sort(),
  }
}
