// What comes in with a package of ours, what runs when it is installed, and what goes out: held to docs/adr/0018 and to
// package-files.txt.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const ADR = 'docs/adr/0018-what-we-depend-on.md'

interface Entry {
  version?: string
  license?: string
  integrity?: string
  resolved?: string
  link?: boolean
  dev?: boolean
  optional?: boolean
  hasInstallScript?: boolean
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

const entriesOf = (lock: string) =>
  Object.entries(JSON.parse(read(lock)).packages as Record<string, Entry>).filter(([path]) => path !== '')

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

const manifest = JSON.parse(read('package.json'))

/** A table of the ADR: name -> version, licence, and the importing file or folder of ours or the packages it comes with. */
const tableIn = (text: string) =>
  new Map(
    Array.from(text.matchAll(/^\| `(.+?)` \| (.+?) \| (.+?) \| (.*?) \|/gm), ([, name, ...cells]) => [
      name,
      { version: cells[0], licence: cells[1], from: cells[2].replace(', optional', '') },
    ]),
  )

const [ownTable, queueTable] = read(ADR).split('\n**packages/queue**')
const table = tableIn(ownTable)

/** Packages of the lock file that a dependency of ours leads to, with those that lead there. */
function closure(): Map<string, { entry: Entry; parents: string[] }> {
  const byName = new Map(entriesOf('package-lock.json').map(([path, entry]) => [nameOf(path), entry]))
  const found = new Map<string, { entry: Entry; parents: string[] }>()
  const visit = (name: string, parent: string | null) => {
    const before = found.get(name)
    const parents = parent === null ? [] : [parent]
    if (before) {
      before.parents.push(...parents)
      return
    }
    const entry = byName.get(name) as Entry
    found.set(name, { entry, parents })
    for (const next of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }))
      visit(next, name)
  }
  for (const name of Object.keys(manifest.dependencies)) visit(name, null)
  return found
}

/** Files under src that import each package, for values or types. */
function importers(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const file of readdirSync(join(root, 'src'), { recursive: true }) as string[]) {
    if (!file.endsWith('.ts') || file.includes('assembly')) continue
    const imports = read(`src/${file}`).matchAll(
      /\b(?:from |import |import\()'((?:@[\w.-]+\/)?\w[\w.-]*)[/']/g,
    )
    for (const [, name] of imports) found.set(name, [...(found.get(name) ?? []), `src/${file}`])
  }
  return found
}

describe('runtime dependencies', () => {
  it(`are the ones in the table of ${ADR}`, () => {
    const locked = Array.from(closure(), ([name, { entry }]) => `${name} ${entry.version} ${entry.license}`)
    const listed = Array.from(table, ([name, row]) => `${name} ${row.version} ${row.licence}`)
    expect(locked.length).toBeGreaterThan(3)
    expect(locked.sort()).toEqual(listed.sort())
  })

  it('come from where the table says', () => {
    const bySource = importers()
    for (const [name, { parents }] of closure()) {
      const { from = '' } = table.get(name) ?? {}
      if (parents.length > 0) expect(parents, name).toContain(from)
      else {
        const files = bySource.get(name) ?? []
        expect(files.length, `${name} is imported nowhere`).toBeGreaterThan(0)
        expect(files.filter((f) => f !== from && !f.startsWith(`${from}/`), name)).toEqual([])
      }
    }
    expect([...bySource.keys()].filter((name) => !Object.hasOwn(manifest.dependencies, name))).toEqual([])
  })

  it('are asked for in one version each', () => {
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(version, name).toBe(table.get(name)?.version)
  })
})

describe('packages/queue', () => {
  it('installs what its table says, in one version each', () => {
    const needed = entriesOf('packages/queue/package-lock.json').filter(([, { optional }]) => !optional)
    const locked = needed.map(([path, entry]) => `${nameOf(path)} ${entry.version} ${entry.license}`)
    const rows = tableIn(queueTable)
    expect(locked.sort()).toEqual(
      Array.from(rows, ([name, row]) => `${name} ${row.version} ${row.licence}`).sort(),
    )
    const { dependencies, scripts } = JSON.parse(read('packages/queue/package.json'))
    for (const [name, version] of Object.entries(dependencies)) expect(version).toBe(rows.get(name)?.version)
    expect(scripts).toBeUndefined()
  })
})

describe.each([
  ['package-lock.json', []],
  ['packages/queue/package-lock.json', ['msgpackr-extract']],
  ['test/gpu/package-lock.json', ['gl', 'webgpu']],
  ['site/package-lock.json', []],
] as const)('%s', (lock, scripts) => {
  it(`has no install script but of ${scripts.length > 0 ? scripts.join(', ') : 'none'}`, () => {
    const found = entriesOf(lock).flatMap(([path, e]) => (e.hasInstallScript ? [nameOf(path)] : []))
    expect(found, `a new install script: see ${ADR}`).toEqual(scripts)
  })

  it('has a hash for every package, and no address', () => {
    const entries = entriesOf(lock)
    expect(entries.length).toBeGreaterThan(15)
    expect(entries.filter(([, e]) => !/^sha512-/.test(e.integrity ?? '')).map(([path]) => path)).toEqual([])
    expect(read(lock)).not.toMatch(/"resolved"|https?:\/\/[^"]*\.tgz/)
  })
})

/** Folders of installed packages, nested ones too. */
function* installed(folder: string): Generator<string> {
  if (!existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name.startsWith('@')) yield* installed(path)
    else if (existsSync(join(path, 'package.json'))) {
      yield path
      yield* installed(join(path, 'node_modules'))
    }
  }
}

describe('what is installed', () => {
  // npm runs these of a dependency, and node-gyp where there is a binding.gyp, whatever a lock file says.
  it('has no install script', () => {
    const paths = [...installed(join(root, 'node_modules'))]
    expect(paths.length).toBeGreaterThan(20)
    const bad = paths.filter((path) => {
      const { scripts = {} } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
      const hooks = ['preinstall', 'install', 'postinstall'].some((hook) => Object.hasOwn(scripts, hook))
      return hooks || existsSync(join(path, 'binding.gyp'))
    })
    expect(bad).toEqual([])
  })

  it('neither has tinystill', () => {
    const hooks = /^(pre|post)?(install|prepare|pack|publish)|^prepublishOnly$/
    expect(Object.keys(manifest.scripts).filter((name) => hooks.test(name))).toEqual([])
  })
})

describe('the package', () => {
  let files: string[]
  beforeAll(() => {
    const env = { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'error' }
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline']
    const [said] = JSON.parse(execFileSync('npm', args, { cwd: root, env, encoding: 'utf8' }))
    files = (said.files as { path: string }[]).map(({ path }) => path).sort()
  })

  it('holds the files of test/package-files.txt', async () => {
    const typed = files.filter((path) => path.endsWith('.js'))
    expect(typed.map((path) => path.replace(/\.js$/, '.d.ts'))).toEqual(
      files.filter((path) => path.endsWith('.d.ts')),
    )
    // Types go with their module and are not listed again.
    const listed = files.filter((path) => !path.endsWith('.d.ts'))
    await expect(
      `${listed.join('\n')}\n`,
      'the package has other files now. If that is meant: npx vitest run test/supply.test.ts -u',
    ).toMatchFileSnapshot('package-files.txt')
  })

  it('holds nothing else than modules, types, what Python runs, and papers', () => {
    const odd = files.filter(
      (path) => !/^(dist\/[\w/-]+\.(js|d\.ts)|python\/\w+\.py|[A-Z]+\.md|LICENSE|package\.json)$/.test(path),
    )
    expect(odd).toEqual([])
  })
})
