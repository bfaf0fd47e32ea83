// What makes a run the run it is: everything its result follows from. A run goes on only as itself.
import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isCache, MANIFEST } from '../../files/cache/manifest.js'
import { hashFile } from '../../files/hash.js'
import { checkSameFields } from '../../formats/fields.js'
import { VERSION } from '../../version.js'
import { noSettings } from './options.js'

/** What changes nothing of the result; files are told apart by what they hold, not by where they lie. */
const NO_SETTINGS = [
  ...noSettings,
  ...['out', 'threads', 'backend', 'gpuMode', 'force'],
  ...['train', 'transfer', 'text', 'dev', 'test', 'config', 'data'],
  ...['model', 'tokenizer', 'teacher', 'generalTeacher', 'student', 'vectors'],
]

export interface Identity {
  version: string
  command: string
  seed: number
  settings: Record<string, unknown>
  /** SHA-256 of each data file, by its use. */
  data: Record<string, string>
  /** SHA-256 of each file of a model's folder, or the name of a preset, by the model's use. */
  models: Record<string, unknown>
}

const MODEL_FILE =
  /^(config\.json|vocab\.(txt|json)|merges\.txt|tokenizer(_config)?\.json|modules\.json|sentence_bert_config\.json|.*\.safetensors(\.index\.json)?)$/

/** A model's folder or file by its content, a cache by its manifest, which has each shard's hash; what is neither is a name. */
export function identityOfModel(source: string): unknown {
  const stat = statSync(source, { throwIfNoEntry: false })
  if (stat === undefined) return source
  if (!stat.isDirectory()) return hashFile(source).sha256
  if (isCache(source)) return { [MANIFEST]: hashFile(join(source, MANIFEST)).sha256 }
  const names = readdirSync(source).filter((name) => MODEL_FILE.test(basename(name)))
  return Object.fromEntries(names.sort().map((name) => [name, hashFile(join(source, name)).sha256]))
}

/** ofModel: where many runs have the same models, it need not look at each once more. */
export function identityOf(
  run: {
    command: string
    seed: number
    options: Readonly<Record<string, unknown>>
    data: Readonly<Record<string, { sha256: string }>>
    models: Readonly<Record<string, string>>
  },
  ofModel: (source: string) => unknown = identityOfModel,
): Identity {
  const settings = Object.entries(run.options).filter(
    ([name, value]) => !NO_SETTINGS.includes(name) && value !== undefined,
  )
  const { command, seed } = run
  return {
    ...{ version: VERSION, command, seed, settings: Object.fromEntries(settings) },
    data: Object.fromEntries(Object.entries(run.data).map(([use, { sha256 }]) => [use, sha256])),
    models: Object.fromEntries(Object.entries(run.models).map(([use, source]) => [use, ofModel(source)])),
  }
}

/** Every leaf of a document by its path: { 'settings.lr': 0.1 }. */
function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]]
  const inner = Object.entries(value).flatMap(([name, x]) =>
    leaves(x, path === '' ? name : `${path}.${name}`),
  )
  return inner.length > 0 ? inner : [[path, '(empty)']]
}

/** Throws CheckpointError that names the first field that differs, and both values. `file`: where `before` was read. */
export function checkSameRun(file: string, before: unknown, now: Identity): void {
  checkSameFields(file, new Map(leaves(before)), new Map(leaves(JSON.parse(JSON.stringify(now)))))
}
