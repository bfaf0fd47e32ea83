// Which tensor of a file is for which parameter of a model, and what to do where one is missing, or the head is another.
import { CheckpointError } from '../../errors.js'
import { escaped, shown } from '../../formats/json.js'
import { architectureOf, classesLayer, type Kind } from '../../nn/models/family.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import { formatShape, sameShape } from '../../tensor/shape.js'
import type { Tensor } from '../../tensor/tensor.js'

export interface Match {
  /** For the model, by its own names; of what is drawn the parameter itself. */
  state: Map<string, Tensor>
  /** Parameters that are to be drawn. */
  fresh: string[]
  /** Names in the file that the model has no parameter for. */
  unused: string[]
}

/** The longest list of names that is told whole. */
const SHOWN = 6

/** For people: the first of them, and how many more. Names come from files. */
export function listed(names: readonly string[]): string {
  const more = names.length - SHOWN
  const first = names
    .slice(0, SHOWN)
    .map((name) => escaped(name.length > 80 ? `${name.slice(0, 80)}...` : name))
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

const moduleOf = (name: string) => name.slice(0, name.lastIndexOf('.') + 1)

/**
 * With `asked`, heads that are missing as a whole are fresh. Throws one CheckpointError for parameters that are missing, of
 * another shape, or no floats, with the remedy that fits.
 */
export function match(
  file: string,
  model: Pretrained,
  kind: Kind,
  found: ReadonlyMap<string, Tensor>,
  asked: boolean,
): Match {
  const { family } = model
  const prefix = kind === 'base' ? `${family.prefix}.` : ''
  const rest = new Set(found.keys())
  const begun = new Set(Array.from(found.keys(), moduleOf))
  const state = new Map<string, Tensor>()
  const fresh: string[] = []
  const missing: string[] = []
  for (const [name, p] of model.namedParameters()) {
    const full = prefix + name
    const t = found.get(full)
    rest.delete(full)
    if (t !== undefined) state.set(name, fitting(file, full, t, p, model))
    else if (asked && family.headNames.test(full) && !begun.has(moduleOf(full))) {
      fresh.push(name)
      state.set(name, p)
    } else missing.push(full)
  }
  if (missing.length > 0) refuseMissing(file, missing, [...rest], model, begun)
  return { state, fresh, unused: [...rest] }
}

function fitting(
  file: string,
  name: string,
  t: Tensor,
  p: Tensor,
  { config, family, kind }: Pretrained,
): Tensor {
  if (t.dtype === 'int32') throw new CheckpointError(file, `${shown(name)} holds whole numbers, not weights`)
  if (sameShape(t.shape, p.shape)) return t
  const classes = name.startsWith(`${classesLayer(family, kind)}.`)
  throw new CheckpointError(
    file,
    `${name} is ${formatShape(t.shape)}, the model of config.json needs ${formatShape(p.shape)}`,
    classes
      ? `The head has ${t.shape[0]} classes and config.json ${config.labels.length}: name them in its id2label`
      : 'Take both files from the same model',
  )
}

function refuseMissing(
  file: string,
  missing: readonly string[],
  rest: readonly string[],
  model: Pretrained,
  begun: ReadonlySet<string>,
): never {
  const { family, kind } = model
  const what = (names: readonly string[]) => `${names.length} missing: ${listed(names)}`
  const encoder = missing.filter((name) => !family.headNames.test(name))
  const half = missing.some((name) => begun.has(moduleOf(name)))
  if (encoder.length === 0 && !half)
    throw new CheckpointError(
      file,
      `has no head of a ${architectureOf(family, kind)}: ${what(missing)}`,
      `Give it one: ${trainingOf(kind, folderOf(file))}`,
    )
  const strange = rest.filter((name) => !family.headNames.test(name))
  const others = strange.length > 0 ? `; names that the model does not know: ${listed(strange)}` : ''
  throw new CheckpointError(
    file,
    `lacks parameters: ${what(missing)}${others}`,
    'The file is not whole, or of another model than config.json: download or save the folder again',
  )
}

/** What the models of a head are made to do. */
const does: Readonly<Record<Kind, string>> = {
  base: 'give states',
  'sequence-classification': 'classify texts',
  'token-classification': 'tag words',
  'question-answering': 'find answers in texts',
  'masked-lm': 'guess masked words',
  'causal-lm': 'write texts',
}

const OF_TOKENS =
  'eval, predict, label, distill and prune --train take it, quantize, shrink and export too, without data'

/** What takes the folders of a head, where that is a task's own and no beginning for others. */
const takenBy: Partial<Record<Kind, string>> = {
  'sequence-classification': 'most commands take it',
  'token-classification': OF_TOKENS,
  'question-answering': OF_TOKENS,
  'causal-lm': 'eval, generate and distill take it',
}

/** The refusal of a model of another head than the wanted one. more: what else is known of it; remedy: else a training. */
export function otherHead(
  folder: string,
  { found, wanted, more = '', remedy }: { found: Kind; wanted: Kind; more?: string; remedy?: string },
): CheckpointError {
  const takes = takenBy[found]
  const use = takes === undefined ? '' : `It is made to ${does[found]}: ${takes}. `
  const head = takes === undefined ? 'a head' : 'another head'
  return new CheckpointError(
    folder,
    `holds a ${found} model, which does not ${does[wanted]}${more}`,
    use + (remedy ?? `Give it ${head}: ${trainingOf(wanted, folder)}`),
  )
}

/** Of a file's path; a name alone is of files in memory. */
const folderOf = (file: string): string => /^(.*)[\\/][^\\/]*$/.exec(file)?.[1] || 'DIR'

/** The command that gives a folder a head. */
export function trainingOf(kind: Kind, folder: string): string {
  const tasks: Partial<Record<Kind, string>> = {
    'masked-lm': 'mlm',
    'causal-lm': 'lm',
    'token-classification': 'token',
    'question-answering': 'qa',
  }
  const task = tasks[kind] === undefined ? '' : ` --task ${tasks[kind]}`
  // Names come from strangers and this is to be pasted into a shell.
  const model = /^[\w./:@+-]+$/.test(folder) && !/(^|\/)-[^/]*$/.test(folder) ? folder : 'DIR'
  return `tinystill train${task} --model ${model} --train FILE --out OUT`
}
