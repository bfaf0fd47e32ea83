// Folders that are taken for a model's and are none: what they hold, and the way from there.
import { type Dirent, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CheckpointError } from '../../errors.js'
import { shown } from '../../formats/json.js'
import { explain } from '../disk.js'
import { isPickle } from './pickles.js'

/** Files by their names: what a folder with one of them is, and what to do. */
const kinds: readonly (readonly [RegExp, string, string])[] = [
  [
    /^(adapter_config\.json|adapter_model\..*|pytorch_adapter\.bin)$/,
    'an adapter (LoRA or its like), which changes another model and is none itself',
    'Merge it in Python and save the whole: AutoPeftModelForSequenceClassification.from_pretrained(DIR).merge_and_unload().save_pretrained(OUT)',
  ],
  [
    /\.onnx(_data)?$|^onnx$/,
    'a model exported to ONNX, which cannot be trained or taken apart',
    'Take the folder that it was exported from, or bring its weights back: tinystill import --onnx FILE --out OUT',
  ],
  [
    /^(tf_model.*\.h5|saved_model\.pb|.*\.ckpt.*\.(index|meta|data-.*)|bert_config\.json)$/,
    'weights of TensorFlow',
    'Take the model with model.safetensors, or convert it with transformers 4: AutoModelForSequenceClassification.from_pretrained(DIR, from_tf=True).save_pretrained(OUT)',
  ],
  [
    /^flax_model.*\.msgpack$/,
    'weights of Flax',
    'Take the model with model.safetensors, or convert it with transformers 4: AutoModelForSequenceClassification.from_pretrained(DIR, from_flax=True).save_pretrained(OUT)',
  ],
  [
    /^(openvino_model\.xml|rust_model\.ot|.*\.(gguf|tflite|mlmodel|mlpackage|engine|pt2))$/,
    'a model exported for another program',
    'Take the folder that it was exported from, with model.safetensors',
  ],
]

/** Folders looked into, and how deep: a folder of runs or the hub's cache, not a whole disk. */
const MOST = 200
const DEPTH = 3

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}

/** The folders below that hold a file of this name, the nearest first, by their paths from `folder`. */
function below(folder: string, file: string): string[] {
  const found: string[] = []
  let level = ['']
  let looked = 0
  for (let depth = 0; depth < DEPTH && found.length === 0; depth++) {
    const next: string[] = []
    for (const at of level) {
      for (const entry of entriesOf(join(folder, at))) {
        if (!entry.isDirectory() || looked++ >= MOST) continue
        const path = join(at, entry.name)
        next.push(path)
        if (entriesOf(join(folder, path)).some(({ name }) => name === file)) found.push(path)
      }
    }
    level = next
  }
  return found
}

const some = (names: readonly string[]) =>
  names.slice(0, 5).map(shown).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '')

/** Names to be pasted, as far as they are fit for it. */
const pasted = (path: string) => (/^[\w./:@+-]+$/.test(path) ? path : shown(path))

/**
 * The refusal of a folder that lacks `missing`, config.json or the weights: by what it holds instead. For a path that cannot be
 * read what the system says of it.
 */
export function noModel(folder: string, missing: 'config.json' | 'model.safetensors'): CheckpointError {
  let names: string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    const none = explain(folder, 'read', error)
    return none.message.includes('part of the path')
      ? new CheckpointError(
          folder,
          'is a file, and a model is a folder',
          'Name the folder that holds config.json',
        )
      : none
  }
  const fail = (what: string, hint: string) => new CheckpointError(folder, what, hint)
  if (names.length === 0)
    return fail('is empty: it holds no model', 'Check the path, or download the model again')
  const adapter = kinds[0][0]
  if (!names.some((name) => adapter.test(name))) {
    const inside = below(folder, missing)
    if (inside.length > 0) {
      const module = inside.find((path) => /(^|[\\/])0_/.test(path))
      const paths = (module === undefined ? inside : [module]).map((path) => pasted(join(folder, path)))
      const what =
        names.includes('modules.json') || module !== undefined
          ? 'sentence-transformers folder'
          : 'folder of folders'
      return fail(
        `holds no ${missing} itself, it is a ${what}`,
        `Name the model's own: ${paths.slice(0, 5).join(' or ')}${paths.length > 5 ? ', ...' : ''}`,
      )
    }
  }
  const held = kinds.find(([pattern]) => names.some((name) => pattern.test(name)))
  if (held !== undefined && !names.includes('model.safetensors')) {
    const name = names.find((n) => held[0].test(n)) as string
    return fail(`holds ${shown(name)}: ${held[1]}`, held[2])
  }
  const weights = names.filter((name) => name.endsWith('.safetensors'))
  if (missing === 'model.safetensors' && weights.length > 0)
    return fail(
      `holds no model.safetensors, but ${some(weights)}`,
      'Name the weights that are meant model.safetensors',
    )
  if (weights.length > 0 || names.some(isPickle))
    return fail(
      `holds weights and no config.json: ${some(names)}`,
      "Copy the model's own config.json, tokenizer.json or vocab.txt into it",
    )
  const what =
    missing === 'config.json'
      ? 'no config.json'
      : 'neither model.safetensors nor model.safetensors.index.json'
  return fail(`holds ${what}: it has ${some(names)}`, 'Name the folder of a model')
}
