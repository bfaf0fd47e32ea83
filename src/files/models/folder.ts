// A model as a folder: config.json, tokenizer.json, model.safetensors. Settings under Hugging Face's names.
import { CheckpointError } from '../../errors.js'
import type { Fields } from '../../formats/fields.js'
import { encoderWeights, weightsIn } from '../../formats/sizes.js'
import { activationNames } from '../../nn/encoder.js'
import { hollow } from '../../nn/init.js'
import { type ClassifierConfig, TextClassifier } from '../../nn/models/classifier.js'
import type { Limit } from '../../nn/models/config.js'
import { formatShape } from '../../tensor/shape.js'
import { WordTokenizer } from '../../text/tokenizer.js'
import type { FileContent } from '../disk.js'
import { SINGLE, tensorsOf } from './checkpoint.js'
import { type ModelFolder, readFieldsIn } from './model-folder.js'
import { isQuantizedIn, type Sized, weightFiles, withQuantized } from './quantized.js'

/** A model of texts with its tokenizer, as a folder keeps it. */
export interface TextModel {
  model: TextClassifier
  tokenizer: WordTokenizer
  /** Names of the classes in the order of the logits. */
  classes: readonly string[]
}

export const OWN_MODEL_TYPE = 'tinystill-text-classifier'

/** The largest count that a config may ask for: more would be a file gone wrong. */
const LARGEST = 2 ** 24

type Field = Limit & { name: keyof ClassifierConfig }

const fields: Record<string, Field> = {
  vocab_size: { name: 'vocabSize', from: 2, to: LARGEST, whole: true },
  hidden_size: { name: 'width', from: 1, to: 2 ** 16, whole: true },
  num_hidden_layers: { name: 'layers', from: 0, to: 1000, whole: true },
  num_attention_heads: { name: 'heads', from: 1, to: 2 ** 12, whole: true },
  intermediate_size: { name: 'inner', from: 1, to: 2 ** 18, whole: true },
  max_position_embeddings: { name: 'maxLength', from: 1, to: LARGEST, whole: true },
  pad_token_id: { name: 'padId', from: 0, to: LARGEST, whole: true },
  hidden_dropout_prob: { name: 'dropout', from: 0, to: 1, whole: false, below: true },
  layer_norm_eps: { name: 'eps', from: 0, to: 1, whole: false },
}

/** What a folder of it holds. */
export const textModelFiles = (content: TextModel): FileContent[] => [
  ...besideTextModel(content),
  ...weightFiles(content.model, content.model.namedParameters()),
]

/** All of a folder but the weights. */
export function besideTextModel({ model, tokenizer, classes }: TextModel): FileContent[] {
  const { config } = model
  const settings: ClassifierConfig = {
    ...{ inner: 4 * config.width, dropout: 0, activation: 'gelu', norm: 'post', eps: 1e-5 },
    ...config,
  }
  const document = {
    model_type: OWN_MODEL_TYPE,
    ...Object.fromEntries(Object.entries(fields).map(([key, { name }]) => [key, settings[name]])),
    hidden_act: settings.activation,
    norm: settings.norm,
    pooling: 'mean',
    id2label: Object.fromEntries(classes.map((name, i) => [i, name])),
  }
  return [
    ['config.json', `${JSON.stringify(document, null, 2)}\n`],
    ['tokenizer.json', `${JSON.stringify(tokenizer.toJSON(), null, 1)}\n`],
  ]
}

function configOf(given: Fields): { config: ClassifierConfig; classes: string[] } {
  given.oneOf('model_type', [OWN_MODEL_TYPE])
  given.oneOf('pooling', ['mean'])
  const classes = given.names('id2label')
  const config = {
    ...Object.fromEntries(
      Object.entries(fields).map(([key, { name, ...limit }]) => [name, given.number(key, limit)]),
    ),
    activation: given.oneOf('hidden_act', activationNames),
    norm: given.oneOf('norm', ['post', 'pre']),
    classes: classes.length,
  } as ClassifierConfig
  if (config.width % config.heads !== 0) given.refuse('num_attention_heads', `a divisor of ${config.width}`)
  if (config.padId >= config.vocabSize) given.refuse('pad_token_id', `below vocab_size, ${config.vocabSize}`)
  return { config, classes }
}

/** Reads textModelFiles(). Throws CheckpointError that names the file and what is wrong in it. */
export function textModelIn(folder: ModelFolder): TextModel {
  const { config, classes } = configOf(readFieldsIn(folder, 'config.json'))
  const tokenizerFile = folder.at('tokenizer.json')
  const { document } = readFieldsIn(folder, 'tokenizer.json')
  const tokenizer = WordTokenizer.fromJSON(Object.fromEntries(document), tokenizerFile)
  if (tokenizer.size !== config.vocabSize) {
    throw new CheckpointError(
      tokenizerFile,
      `has ${tokenizer.size} words, config.json says vocab_size ${config.vocabSize}`,
    )
  }
  if (isQuantizedIn(folder))
    return withQuantized(folder, ({ path, sizes, fill }) => {
      checkSizes(path, config, sizes)
      const model = hollow(() => new TextClassifier(config))
      fill(model)
      return { model, tokenizer, classes }
    })
  const weights = folder.at(SINGLE)
  const { tensors } = tensorsOf([folder.weights(SINGLE)])
  checkSizes(weights, config, tensors)
  const model = new TextClassifier(config)
  model.loadStateDict(tensors, { from: weights })
  return { model: model.eval(), tokenizer, classes }
}

/** Before the model is made: what config.json asks for must be in the file, or it could ask for all memory. */
function checkSizes(file: string, c: ClassifierConfig, tensors: ReadonlyMap<string, Sized>): void {
  const refuse = (what: string, wanted: string): never => {
    throw new CheckpointError(
      file,
      `${what}, config.json asks for ${wanted}`,
      'Take both files from the same model',
    )
  }
  const shape = tensors.get('wordEmbeddings.weight')?.shape
  if (shape?.[0] !== c.vocabSize || shape[1] !== c.width)
    refuse(
      `wordEmbeddings.weight is ${shape ? formatShape(shape) : 'missing'}`,
      formatShape([c.vocabSize, c.width]),
    )
  const needed = encoderWeights(c) + c.width * c.classes
  const there = weightsIn(tensors)
  if (needed > there) refuse(`holds ${there} weights`, `${needed} in its matrices alone`)
}
