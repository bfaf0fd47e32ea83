// A page an entry of the package, read by TypeDoc out of dist's types: each export's signature, its comment, its members. TypeDoc's
// own pages would be some 600; of what it reads these are the names that can be imported, and nothing can go stale.
import { fileURLToPath } from 'node:url'
import { Application, ReflectionKind } from 'typedoc'
import { opPages } from './ops.mjs'
import { cell, code, read } from './read.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

/** By the names that they are imported by: { name, file }. */
const entries = Object.entries(JSON.parse(read('package.json')).exports)
  .filter(([, { types }]) => types !== undefined)
  .map(([name, { types }]) => ({ name: `tinystill${name.slice(1)}`, file: root + types.slice(2) }))

/** What is much of an entry gets a page of its own. */
const APART = ['nn', 'optim', 'Tensor']

/** Names that have a page. */
let ops = new Set()

const pageOf = (entry, part = null) => [entry.replace('/', '-'), ...(part === null ? [] : [part])].join('-')

/** Markdown of a comment: code stays code, and nothing else in it is markup. */
const text = (parts = []) =>
  parts
    .map(({ kind, text }) =>
      kind === 'code'
        ? text
        : text.replaceAll(/[\\*_<>[\]{}]/g, (c) => `&#${c.charCodeAt(0)};`).replaceAll(/\s*\n\s*/g, ' '),
    )
    .join('')
    .trim()

const commentOf = (it) =>
  text((it.comment ?? it.signatures?.[0]?.comment ?? it.getSignature?.comment)?.summary)

/** Longer ones are texts of ours, not types that anyone writes. */
const LONGEST = 400
const typeOf = (type) =>
  type?.type === 'literal' && `${type}`.length > LONGEST ? typeof type.value : `${type}`

const parameter = ({ name, type, flags, defaultValue }) =>
  `${flags.isRest ? '...' : ''}${name}${flags.isOptional || defaultValue !== undefined ? '?' : ''}: ${type}`

/** A method that is typed as what is left of a function's parameters has them in one. */
const parametersOf = ({ parameters = [] }) =>
  parameters.flatMap((it) =>
    it.type?.type === 'tuple' && parameters.length === 1 ? it.type.elements.map(String) : parameter(it),
  )

const genericOf = ({ typeParameters }) =>
  typeParameters?.length > 0
    ? `<${typeParameters.map(({ name, type }) => (type ? `${name} extends ${type}` : name)).join(', ')}>`
    : ''

function signature(it, name = it.name) {
  const list = parametersOf(it)
  const one = `(${list.join(', ')})`
  const parameters = one.length > 90 ? `(\n  ${list.join(',\n  ')},\n)` : one
  return `${name}${genericOf(it)}${parameters}: ${it.type}`
}

const isMember = ({ flags, inheritedFrom, name }) =>
  !flags.isPrivate && !flags.isProtected && inheritedFrom === undefined && !name.startsWith('#')

function memberLine(it) {
  const { kind, name, flags } = it
  const before = flags.isStatic ? 'static ' : ''
  if (kind === ReflectionKind.Constructor) return it.signatures.map((s) => signature(s, 'new '))
  if (it.signatures) return it.signatures.map((s) => before + signature(s, name))
  const type = it.type ?? it.getSignature?.type
  if (type === undefined) return [declaration(it)]
  const own = flags.isOptional ? null : type.declaration?.signatures
  return own?.length === 1
    ? [before + signature(own[0], name)]
    : [`${before}${name}${flags.isOptional ? '?' : ''}: ${typeOf(type)}`]
}

/** A tensor's methods are its ops, where the comments are. */
const opOf = (it, { name }) =>
  it.name === 'Tensor' && ops.has(name) ? `The op [${name}](/ops/${name}).` : ''

function members(it) {
  const own = (it.children ?? []).filter(isMember)
  if (own.length === 0) return []
  const rows = own.flatMap((one) =>
    memberLine(one).map(
      (line) =>
        `| ${cell(code(line.replaceAll(/\s*\n\s*/g, ' ')))} | ${cell(commentOf(one) || opOf(it, one))} |`,
    ),
  )
  return [`| member | |\n|---|---|\n${rows.join('\n')}`]
}

const words = {
  [ReflectionKind.Class]: 'class',
  [ReflectionKind.Interface]: 'interface',
  [ReflectionKind.Enum]: 'enum',
  [ReflectionKind.Namespace]: 'namespace',
}

/** What it is, as TypeScript. */
function declaration(it) {
  if (it.signatures) return it.signatures.map((s) => `function ${signature(s)}`).join('\n')
  if (it.kind === ReflectionKind.TypeAlias) {
    return `type ${it.name}${genericOf(it)} = ${it.type}`
  }
  if (words[it.kind]) {
    const above = it.extendedTypes?.length ? ` extends ${it.extendedTypes.join(', ')}` : ''
    return `${words[it.kind]} ${it.name}${genericOf(it)}${above}`
  }
  return `const ${it.name}: ${typeOf(it.type)}`
}

/** The anchor of each name of a page. VitePress writes them small, so `tensor` and `Tensor` need two. */
function anchorsOf(list) {
  const anchors = new Map()
  const taken = new Set()
  for (const { name } of list) {
    const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
    const anchor = taken.has(plain) ? `${plain}-2` : plain
    taken.add(anchor)
    anchors.set(name, anchor)
  }
  return anchors
}

/** Where each name stands: name -> { address, name of the entry }. The first entry that has it wins. */
function placesOf(modules) {
  const places = new Map()
  for (const { name, own } of modules)
    for (const { page, anchors } of own)
      for (const [it, anchor] of anchors)
        if (!places.has(it)) places.set(it, { address: `/api/${page}#${anchor}`, name })
  return places
}

/** The types that a text names, as links. */
function named(declared, own, places) {
  const found = new Set(declared.match(/\b[A-Z]\w+/g) ?? [])
  const links = [...found]
    .filter((it) => it !== own && places.has(it))
    .map((it) => `[${it}](${places.get(it).address})`)
  return links.length > 0 ? [`Types: ${links.join(', ')}`] : []
}

function section(it, { page, anchors }, places) {
  const place = places.get(it.name)
  const head = `## ${it.name} {#${anchors.get(it.name)}}`
  if (place.address !== `/api/${page}#${anchors.get(it.name)}`)
    return [head, `[${it.name}](${place.address}) of \`${place.name}\`.`].join('\n\n')
  const declared = declaration(it)
  const table = members(it)
  return [
    head,
    `\`\`\`ts\n${declared}\n\`\`\``,
    ...[commentOf(it)].filter(Boolean),
    ...named([declared, ...(table.join(' ').match(/`[^`]*`/g) ?? [])].join(' '), it.name, places),
    ...table,
  ].join('\n\n')
}

async function modulesOf() {
  const app = await Application.bootstrap({
    ...{ entryPoints: entries.map(({ file }) => file), tsconfig: `${here}api.tsconfig.json` },
    ...{
      skipErrorChecking: true,
      excludeInternal: true,
      sort: ['source-order'],
      logLevel: 'Error',
      readme: 'none',
    },
  })
  const project = await app.convert()
  if (project === undefined) throw new Error('api: TypeDoc reads nothing out of dist')
  return entries.map(({ name, file }) => {
    const module = project.children.find(({ sources }) => sources?.[0].fullFileName === file)
    if (module === undefined) throw new Error(`api: TypeDoc has no ${name}`)
    const target = (it) => (it.kind === ReflectionKind.Reference ? it.getTargetReflectionDeep() : it)
    const all = module.children.map((it) => ({ name: it.name, it: target(it) }))
    const apart = all.filter((one) => name === 'tinystill' && APART.includes(one.name))
    const rest = all.filter((one) => !apart.includes(one))
    const sorted = (list) => list.sort((a, b) => (a.name < b.name ? -1 : 1))
    return {
      name,
      comment: text(module.comment?.summary),
      own: [
        { page: pageOf(name), title: name, list: sorted(rest.map(({ it }) => it)) },
        ...apart.map(({ name: part, it }) => ({
          ...{ page: pageOf(name, part), title: `${part} of ${name}` },
          list: it.kind === ReflectionKind.Namespace ? sorted(it.children.map(target)) : [it],
        })),
      ].map((one) => ({ ...one, anchors: anchorsOf(one.list) })),
    }
  })
}

async function made() {
  const known = await opPages()
  ops = new Set(known.map(({ name }) => name))
  const modules = await modulesOf()
  const places = placesOf(modules)
  const pages = modules.flatMap(({ name, own }) =>
    own.map((one) => ({
      name: one.page,
      title: one.title,
      count: one.list.length,
      markdown: [
        `# ${one.title}`,
        `\`import { ${one.title === name ? '...' : one.title.split(' ')[0]} } from '${name}'\``,
        ...one.list.map((it) => section(it, one, places)),
      ].join('\n\n'),
    })),
  )
  const rows = pages.map(({ name, title, count }) => `| [${title}](/api/${name}) | ${count} |`)
  const index = `# API

What each entry of the package exports, read out of its types. The ops have [pages of their own](/ops/) with formulas and cells, so have the [losses](/losses/).

| entry | names |
|---|---|
${rows.join('\n')}
`
  return [{ name: 'index', title: 'API', markdown: index }, ...pages]
}

/** VitePress asks twice in one process, for the pages and for the list beside them, by copies of this module. */
const KNOWN = Symbol.for('tinystill.site.api')

export function apiPages() {
  globalThis[KNOWN] ??= made()
  return globalThis[KNOWN]
}
