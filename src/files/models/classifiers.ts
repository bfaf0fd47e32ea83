// Any folder that classifies texts: our own small model's, or one of the BERT family with its head.
import { CheckpointError } from '../../errors.js'
import { type Head, headOf } from '../../formats/head.js'
import { shown } from '../../formats/json.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Pretrained } from '../../nn/models/pretrained.js'
import type { Module } from '../../nn/module.js'
import type { Tensor } from '../../tensor/tensor.js'
import { type Tokenizer, usualLength } from '../../text/encoding.js'
import { OWN_MODEL_TYPE, textModelIn } from './folder.js'
import { listed, trainingOf } from './match.js'
import { type ModelFolder, modelFieldsIn } from './model-folder.js'
import { type LoadInfo, pretrainedIn, tokenizerOf } from './pretrained.js'

/** A classifier out of a folder, with all that its answers need. */
export interface TextClassifierFolder extends Pick<Head, 'problemType'> {
  model: Module & { forward(input: TextInput): { logits: Tensor } }
  tokenizer: Tokenizer
  /** Names of the classes, or of the numbers, in the order of the logits. */
  classes: readonly string[]
  /** Longest text in tokens. */
  maxLength: number
  /** Tokens of a text where nobody asks for another number: what the model was trained on, as its folder says. */
  usualLength: number
  /** What people should know of the folder. */
  notes: readonly string[]
}

/** Kinds with a head that is of use as it is, though not here. */
const answering: readonly string[] = ['question-answering', 'token-classification']

/** Throws CheckpointError naming the file: a folder without a classifier or tokenizer, or files that do not fit. */
export function classifierIn(folder: ModelFolder): TextClassifierFolder {
  const { path } = folder
  if (modelFieldsIn(folder).get('model_type') === OWN_MODEL_TYPE) {
    const { model, tokenizer, classes } = textModelIn(folder)
    const { maxLength } = model.config
    const problemType = 'single_label_classification'
    return { model, tokenizer, classes, maxLength, usualLength: maxLength, problemType, notes: [] }
  }
  const loaded = pretrainedIn(folder, { prefer: 'sequence-classification' })
  const { model, config, info } = loaded
  if (model.kind !== 'sequence-classification') {
    const training = trainingOf('sequence-classification', path)
    throw new CheckpointError(
      path,
      `holds a ${model.kind} model, which does not classify texts${unknownHead(model, info)}`,
      answering.includes(model.kind)
        ? `tinystill eval, predict and distill take it; for a classifier: ${training}`
        : `Give it a head: ${training}`,
    )
  }
  const tokenizer = tokenizerOf(path, loaded)
  const { maxLength } = config
  const { classes, notes } = apart(path, config.labels)
  const { problemType, note } = headOf(config, (reason) => {
    throw new CheckpointError(folder.at('config.json'), reason)
  })
  return {
    ...{ model: model as TextClassifierFolder['model'], tokenizer, classes, maxLength, problemType },
    usualLength: usualLength(tokenizer, maxLength),
    notes: [...info.notes, ...notes, ...(note === null ? [] : [note])],
  }
}

/** A head under a name of one's own. */
function unknownHead({ family }: Pretrained, { unused }: LoadInfo): string {
  const strange = unused.filter((name) => !family.headNames.test(name))
  return strange.length > 0 ? `; it holds besides, under names of no head here: ${listed(strange)}` : ''
}

/** Classes of one name with their number behind it: an answer by names must tell them apart. */
function apart(folder: string, labels: readonly string[]): { classes: readonly string[]; notes: string[] } {
  const count = new Map<string, number>()
  for (const name of labels) count.set(name, (count.get(name) ?? 0) + 1)
  const twice = [...count].filter(([, n]) => n > 1).map(([name]) => name)
  if (twice.length === 0) return { classes: labels, notes: [] }
  return {
    classes: labels.map((name, i) => (twice.includes(name) ? `${name} (${i})` : name)),
    notes: [
      `${folder}: id2label has ${listed(twice.map(shown))} for several classes: they get their numbers behind it`,
    ],
  }
}
