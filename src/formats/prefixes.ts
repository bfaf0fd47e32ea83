// What stands before the names in a weight file when a model was saved out of a wrapper: DataParallel, torch.compile,
// Lightning, sentence-transformers, a class of one's own.
import { CheckpointError } from '../errors.js'
import { type Family, families } from '../nn/models/family.js'
import { shown } from './json.js'

/** Parts of names that come from wrappers, which may stand anywhere, with who puts them there. */
const WRAPPERS: Readonly<Record<string, string>> = {
  module: 'DataParallel',
  _orig_mod: 'torch.compile',
  _fsdp_wrapped_module: 'FSDP',
  _checkpoint_wrapped_module: 'checkpointing',
}

/** What is known of who puts a whole model under a name. */
const FRAMES: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)auto_model\./, 'sentence-transformers'],
  [/^model\./, 'Lightning'],
]

/** Names of the encoder in other models whose parameters are called as BERT's, and which compute otherwise. */
const OTHERS = [
  ...['ernie', 'nezha', 'layoutlm', 'data2vec_text'],
  ...['roberta_prelayernorm', 'ibert', 'roc_bert', 'esm', 'luke', 'splinter', 'tapas', 'markuplm', 'bros'],
  ...['rembert', 'squeezebert', 'convbert', 'xmod'],
]

/** Of weights that only count together with their module's code. */
const ADAPTERS = /(^|\.)(lora_\w+|base_layer|ia3_l|adapters|prefix_tuning|prompt_tuning)(\.|$)/

export interface Naming {
  /** A name of the file as it is without wrappers, `bert.embeddings...` for a bare encoder too. */
  rename(name: string): string
  /** What was taken off, for people. */
  notes: string[]
}

const withoutWrappers = (name: string) =>
  name
    .split('.')
    .filter((part) => !Object.hasOwn(WRAPPERS, part))
    .join('.')

/**
 * Goes by where the word table stands. Throws CheckpointError for adapters that are not merged, for a file of several models
 * none of which is called as ours, and for another family's.
 */
export function namingOf(file: string, names: readonly string[], family: Family): Naming {
  const { prefix } = family
  const table = `${family.names.words}.weight`
  const adapter = names.find((name) => ADAPTERS.test(name))
  if (adapter !== undefined)
    throw new CheckpointError(
      file,
      `holds an adapter beside the model's weights, ${shown(adapter)}`,
      'Merge it in Python and save the model: model.merge_and_unload().save_pretrained(DIR)',
    )
  const clean = names.map(withoutWrappers)
  const tables = clean.filter((name) => name === table || name.endsWith(`.${table}`))
  const places = [...new Set(tables.map((name) => name.slice(0, -table.length)))]
  const own = `${prefix}.`
  const place = [own, ''].find((p) => places.includes(p)) ?? places[0] ?? ''
  if (place !== own && place !== '' && places.length > 1)
    throw new CheckpointError(
      file,
      `holds several models: ${places.map(shown).join(', ')}`,
      'Save the one that is meant alone, in Python by its save_pretrained',
    )
  const parts = place.split('.').slice(0, -1)
  refuseOthers(file, parts.at(-1) ?? '', place + table, prefix)

  const outer = parts
    .slice(0, -1)
    .map((part) => `${part}.`)
    .join('')
  const tops = new Set(Object.values(family.names).map((name) => name.split('.')[0]))
  const rename = (name: string): string => {
    const inner = withoutWrappers(name)
    if (place === own || place === '') return tops.has(inner.split('.')[0]) ? own + inner : inner
    if (inner.startsWith(place)) return own + inner.slice(place.length)
    return inner.startsWith(outer) ? inner.slice(outer.length) : inner
  }
  return { rename, notes: notesOf(names, place, own) }
}

function refuseOthers(file: string, last: string, found: string, prefix: string): void {
  // "model" is what many wrappers call a model.
  const ours = families.map((f) => f.prefix).filter((other) => other !== prefix && other !== 'model')
  const others = [...OTHERS, ...ours]
  if (!others.includes(last)) return
  throw new CheckpointError(
    file,
    `holds ${shown(found)}, the weights of another family than config.json's, ${prefix}`,
    'Take config.json and weights from the same model',
  )
}

function notesOf(names: readonly string[], place: string, own: string): string[] {
  const found = new Set(names.flatMap((name) => name.split('.')))
  const wrappers = Object.entries(WRAPPERS).filter(([part]) => found.has(part))
  const taken = wrappers.map(([part, who]) => `"${part}." (${who})`)
  if (place !== own && place !== '') {
    const prefix = place.endsWith(`.${own}`)
      ? shown(place.slice(0, -own.length))
      : `${shown(place)} for "${own}"`
    const who = FRAMES.find(([frame]) => frame.test(place))
    taken.push(who === undefined ? prefix : `${prefix} (${who[1]})`)
  }
  return taken.length === 0 ? [] : [`names in the weight file are read without ${taken.join(' and ')}`]
}
