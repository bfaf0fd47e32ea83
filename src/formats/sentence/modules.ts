// modules.json of a sentence-transformers folder: what a text goes through, in turn. Of the modules that exist four are known,
// by the names that any version of the library wrote; anything else is refused by its name, for the vectors would be others.
import { CheckpointError } from '../../errors.js'
import { shown } from '../json.js'

export const MODULES = 'modules.json'

export const moduleKinds = ['Transformer', 'Pooling', 'Dense', 'Normalize'] as const
export type ModuleKind = (typeof moduleKinds)[number]

export interface ModuleEntry {
  kind: ModuleKind
  /** The folder inside that holds it; '' is the folder itself. */
  path: string
}

/** sentence_transformers.models.Pooling up to version 5, sentence_transformers.sentence_transformer.modules.pooling.Pooling since. */
const KNOWN = new RegExp(`^sentence_transformers\\.[a-z_.]+\\.(${moduleKinds.join('|')})$`)

/** A plain name of a folder, the same on every system. */
const FOLDER = /^[A-Za-z0-9][\w-]{0,99}$/

/** More would be a file gone wrong. */
const MOST = 16

/**
 * The modules in their order: a transformer, a pooling, then any dense layers and normalizations. Throws CheckpointError that
 * names the entry: an unknown type, a path that is no folder of its own, another order.
 */
export function modulesOf(file: string, document: unknown): ModuleEntry[] {
  const fail = (what: string, hint?: string): never => {
    throw new CheckpointError(file, what, hint)
  }
  if (!Array.isArray(document) || document.length === 0 || document.length > MOST)
    return fail(`must be a list of 1 to ${MOST} modules`)
  const entries = document.map((entry: unknown, i): ModuleEntry => {
    const own = (name: string): unknown =>
      typeof entry === 'object' && entry !== null
        ? Object.getOwnPropertyDescriptor(entry, name)?.value
        : undefined
    const [type, path] = [own('type'), own('path')]
    if (typeof type !== 'string') return fail(`[${i}].type must be the name of a module`)
    const [, kind] = KNOWN.exec(type) ?? []
    if (kind === undefined)
      return fail(
        `[${i}].type: ${shown(type)} is not known`,
        `Folders of ${moduleKinds.join(', ')} are read; other modules give other vectors`,
      )
    if (typeof path !== 'string' || !(path === '' || FOLDER.test(path)))
      return fail(`[${i}].path must be the name of a folder inside, as 1_Pooling`)
    return { kind: kind as ModuleKind, path }
  })
  const paths = entries.map(({ path }) => path)
  if (new Set(paths).size < paths.length) fail('two modules have one path')
  const [first, second, ...rest] = entries.map(({ kind }) => kind)
  if (first !== 'Transformer' || second !== 'Pooling')
    fail(
      `begins with ${[first, second].filter(Boolean).join(', ')}; a Transformer and a Pooling are read`,
      'Name the folder of a model that gives one vector a text',
    )
  const again = rest.find((kind) => kind === 'Transformer' || kind === 'Pooling')
  if (again !== undefined) fail(`has ${again} twice`)
  return entries
}

/** The text of a modules.json that every version of sentence-transformers reads: the transformer lies in the folder itself. */
export function modulesText(kinds: readonly ModuleKind[]): string {
  const entries = kinds.map((kind, idx) => ({
    ...{ idx, name: String(idx), path: folderOfModule(kind, idx) },
    type: `sentence_transformers.models.${kind}`,
  }))
  return `${JSON.stringify(entries, null, 2)}\n`
}

/** '1_Pooling'; '' for the transformer. */
export const folderOfModule = (kind: ModuleKind, place: number): string =>
  kind === 'Transformer' ? '' : `${place}_${kind}`
