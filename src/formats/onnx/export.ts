// A model as an ONNX file: https://onnx.ai. Opset 17 and IR 8, which every onnxruntime since 1.12 reads.
import { ArgumentError } from '../../errors.js'
import { BiLstmForSequenceClassification } from '../../nn/models/bilstm.js'
import { TextClassifier } from '../../nn/models/classifier.js'
import { tableWidth } from '../../nn/models/config.js'
import { nameInFile, placesBefore } from '../../nn/models/family.js'
import { MaskedWords, SequenceClassifier, SpanClassifier, TokenClassifier } from '../../nn/models/heads.js'
import { Pretrained } from '../../nn/models/pretrained.js'
import { Transformer } from '../../nn/models/transformer.js'
import { type Module, moduleArg } from '../../nn/module.js'
import { isQuantized } from '../../nn/quantized/quantize.js'
import { optionsArg } from '../../tensor/check.js'
import { VERSION } from '../../version.js'
import { activation } from './activations.js'
import { GraphBuilder, type OnnxInputs, type Value } from './builder.js'
import { elementTypes } from './elements.js'
import { onnxPieces } from './graph.js'
import { emit, emitFlat, type Surroundings } from './layers.js'
import { distances, placesAfterPad, placesOf, relative, rotary, UNSEEN } from './places.js'
import { lastStates } from './recurrent.js'

/** What floats are stored and computed in. Quantized models are fp32 but for their whole numbers. */
export type OnnxFloats = 'fp32' | 'fp16'

/** Of exportOnnx(). */
export interface ExportOnnxOptions {
  /** Default 'fp32'. 'fp16' is for float models: half the size, computed in float16 where the engine can. */
  dtype?: OnnxFloats
  /**
   * Of quantized models: what one scale of a linear layer's input is for. 'row', the default: each word has its own, as in our
   * own kernels. 'tensor': one for all words of a batch, about a third less time in onnxruntime, and more changed answers.
   */
  inputs?: OnnxInputs
}

/** Of newer ones we need nothing; IR 8 came with opset 17. */
const [OPSET, IR] = [17, 8]

/**
 * A model's file: inputs input_ids and attention_mask, and token_type_ids where the model has types, int64 [batch_size,
 * sequence_length]; output `logits`, or of an encoder without a head `last_hidden_state`. Weights bear the names of the model's
 * weight file; those of linear layers stand [in, out]. Quantized models keep their whole numbers. Sizes are those of the weights,
 * not of the config, so heads and inner layers may differ from layer to layer. Throws ArgumentError for models that have no such
 * form, CheckpointError above 2 GiB.
 */
export function exportOnnx(model: Module, options: ExportOnnxOptions = {}): Uint8Array {
  const { size, pieces } = exportOnnxPieces(model, options)
  const out = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

/** The same in pieces, so that the whole is never in memory. */
export function exportOnnxPieces(
  model: Module,
  options: ExportOnnxOptions = {},
): { size: number; pieces: Iterable<Uint8Array> } {
  moduleArg('exportOnnx', 'the model', model)
  const { dtype = 'fp32', inputs = 'row' } = optionsArg('exportOnnx', options, {
    dtype: ['fp32', 'fp16'],
    inputs: ['row', 'tensor'],
  })
  if (model instanceof Pretrained && model.family.causal)
    throw new ArgumentError(
      'exportOnnx',
      `a ${model.architecture} has no form here: its words see those before them alone`,
      'Export it from Python, by optimum: savePretrained() writes a folder that transformers loads',
    )
  if (dtype === 'fp16' && isQuantized(model))
    throw new ArgumentError('exportOnnx', 'a quantized model has no form in fp16', 'Export the float model')
  const nameOf = (path: string) =>
    model instanceof Pretrained ? nameInFile(model.family, model.kind, path, model.config.tied) : path
  const g = new GraphBuilder(dtype === 'fp16' ? 'float16' : 'float', nameOf, inputs)
  if (model instanceof TextClassifier) ownClassifier(g, model)
  else if (model instanceof BiLstmForSequenceClassification) biLstm(g, model)
  else if (model instanceof Pretrained) pretrained(g, model)
  else
    throw new ArgumentError(
      'exportOnnx',
      `a ${model.constructor.name} has no form in ONNX here`,
      'Models of the BERT family, BiLSTMs and TextClassifier have',
    )
  return onnxPieces({
    ...{ irVersion: IR, producerName: 'tinystill', producerVersion: VERSION },
    graph: {
      node: g.nodes,
      name: model.constructor.name,
      initializer: g.tensors,
      input: g.inputs,
      output: g.outputs,
    },
    opsetImport: [{ domain: '', version: OPSET }],
  })
}

/** [B, 1, 1, S] */
function maskOf(g: GraphBuilder, attentionMask: Value): Surroundings {
  const wide = g.node('mask', 'Unsqueeze', [attentionMask, g.constant('int64', [1, 2])])
  const seen = g.node('mask', 'Cast', [wide], { to: elementTypes[g.floats].code })
  const unseen = g.node('mask', 'Sub', [g.number(1), seen])
  return { mask: g.node('mask', 'Mul', [unseen, g.number(UNSEEN)]) }
}

/** The encoder's states, [B, S, C], and the mask that its layers took. */
function encoder(g: GraphBuilder, model: Transformer, path: string): { h: Value; around: Surroundings } {
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const ids = g.input('input_ids')
  const around = maskOf(g, g.input('attention_mask'))
  const types = model.types === null ? null : g.input('token_type_ids')
  const { positions, positionBias } = model
  const before = placesBefore(model.family, model.config)
  const longest = model.config.maxLength + before
  const part = (layer: Module | null, name: string, x: Value) =>
    layer === null ? x : emit(g, layer, at(name), x, around)
  const add = (a: Value, b: Value) => g.node(at('embeddings'), 'Add', [a, b])
  const { bottleneck } = model.config
  let h = part(model.words, 'words', ids)
  if (bottleneck?.neighbours) h = withNeighbours(g, at('embeddings'), h)
  if (bottleneck) h = part(model.project, 'project', h)
  if (positions !== null) {
    const path = at('positions')
    const places = before > 0 ? placesAfterPad(g, path, ids, before - 1) : placesOf(g, path, ids, longest)
    h = add(h, part(positions, 'positions', places))
  }
  if (model.types !== null && types !== null) h = add(h, part(model.types, 'types', types))
  h = part(model.norm, 'norm', h)
  if (!bottleneck) h = part(model.project, 'project', h)
  // Padding and distances are added in one.
  if (positionBias !== null) {
    const path = at('positionBias')
    around.mask = g.node(path, 'Add', [around.mask, distances(g, positionBias, path, ids, longest)])
  }
  const seen = model.rotary && rotary(g, model.rotary, at('rotary'), ids, around, longest)
  const others = model.relative && relative(g, model.relative, at('relative'), ids, around, longest)
  for (const [i, layer] of model.layers.entries()) {
    // One that stands for several layers bears its first name.
    const path = at(`layers.${model.layers.indexOf(layer)}`)
    h = emit(g, layer, path, h, seen?.(i) ?? others ?? around)
  }
  return { h: part(model.finalNorm, 'finalNorm', h), around }
}

/** What graphs that find answers give, each [B, S], as optimum writes them. */
export const spanOutputs = ['start_logits', 'end_logits'] as const

function pretrained(g: GraphBuilder, model: Pretrained): void {
  const sizes = ['batch_size', 'sequence_length'] as const
  const { width } = model.config
  if (model instanceof Transformer) {
    g.output('last_hidden_state', encoder(g, model, '').h, [...sizes, width])
    return
  }
  if (model instanceof SequenceClassifier) {
    const { h, around } = encoder(g, model.base, 'base')
    const [pooler, path] = model.pooler ? [model.pooler, 'pooler'] : [model.base.pooler, 'base.pooler']
    const state =
      model.config.textState === 'mean'
        ? meanOf(g, h, 'attention_mask')
        : g.node(path, 'Gather', [h, g.constant('int64', 0)], { axis: 1 })
    const inner =
      pooler === null
        ? state
        : activation(g, path, model.family.pooling, emitFlat(g, pooler, path, state, around))
    const { poolerNorm } = model
    const pooled = poolerNorm === null ? inner : emit(g, poolerNorm, 'poolerNorm', inner, around)
    const logits = emitFlat(g, model.classifier, 'classifier', pooled, around)
    g.output('logits', logits, ['batch_size', model.config.labels.length])
  } else if (model instanceof TokenClassifier) {
    const { h: states, around } = encoder(g, model.base, 'base')
    const logits = emit(g, model.classifier, 'classifier', transformed(g, model, states, around), around)
    if (model instanceof SpanClassifier)
      for (const [i, name] of spanOutputs.entries())
        g.output(name, g.node(name, 'Gather', [logits, g.constant('int64', i)], { axis: 2 }), sizes)
    else g.output('logits', logits, [...sizes, model.config.labels.length])
  } else if (model instanceof MaskedWords) {
    const { h, around } = encoder(g, model.base, 'base')
    const normed = transformed(g, model, h, around)
    g.output('logits', wordsOf(g, model, normed, around), [...sizes, model.config.vocabSize])
  }
}

/** [B, S, V] of a head's states: by the table, and where those are wider by a layer more. */
function wordsOf(
  g: GraphBuilder,
  { decoder, rest, config }: MaskedWords,
  h: Value,
  around: Surroundings,
): Value {
  if (rest === null) return emit(g, decoder, 'decoder', h, around)
  const own = tableWidth(config)
  const part = (from: number, to: number) =>
    g.node('decoder', 'Slice', [h, ...[from, to, 2].map((n) => g.constant('int64', [n]))])
  const table = emit(g, decoder, 'decoder', part(0, own), around)
  return g.node('decoder', 'Add', [table, emit(g, rest, 'rest', part(own, config.width), around)])
}

/** [B, S, 3 E] of [B, S, E]: see src/nn/bottleneck/neighbours.ts. */
function withNeighbours(g: GraphBuilder, path: string, x: Value): Value {
  const node = (op: string, inputs: Value[], attributes = {}) => g.node(path, op, inputs, attributes)
  const part = (from: number, to: number) =>
    node('Slice', [x, ...[from, to, 1].map((n) => g.constant('int64', [n]))])
  const zeros = node('Mul', [part(0, 1), g.number(0)])
  const behind = node('Concat', [part(1, 2 ** 31 - 1), zeros], { axis: 1 })
  const before = node('Concat', [zeros, part(0, -1)], { axis: 1 })
  return node('Concat', [behind, x, before], { axis: -1 })
}

/** States through the layer, its activation and the norm of a head that has them. */
function transformed(
  g: GraphBuilder,
  { transform, transformNorm, family, config }: TokenClassifier | MaskedWords,
  h: Value,
  around: Surroundings,
): Value {
  if (transform === null || transformNorm === null) return h
  const name = family.wordActivation ?? config.activation
  const inner = activation(g, 'transform', name, emit(g, transform, 'transform', h, around))
  return emit(g, transformNorm, 'transformNorm', inner, around)
}

/** [B, C]: the mean of the words' states [B, S, C]. */
function meanOf(g: GraphBuilder, h: Value, mask: Value): Value {
  const real = g.node('mean', 'Cast', [mask], { to: elementTypes[g.floats].code })
  const column = g.node('mean', 'Unsqueeze', [real, g.constant('int64', [2])]) // [B, S, 1]
  const sum = (x: Value) => g.node('mean', 'ReduceSum', [x, g.constant('int64', [1])], { keepdims: 0 })
  return g.node('mean', 'Div', [sum(g.node('mean', 'Mul', [h, column])), sum(column)])
}

/** The last state of each direction, whose words are counted by the mask: padding stands at the texts' ends. */
function biLstm(g: GraphBuilder, model: BiLstmForSequenceClassification): void {
  const { base, dense, classifier, config } = model
  const ids = g.input('input_ids')
  const mask = g.input('attention_mask')
  const count = g.node('mask', 'ReduceSum', [mask, g.constant('int64', [1])], { keepdims: 0 })
  const lengths = g.node('mask', 'Cast', [count], { to: elementTypes.int32.code })
  // Time comes first in ONNX; turning ids costs less than turning their vectors.
  const timed = g.node('base.words', 'Transpose', [ids], { perm: [1, 0] })
  const vectors = emit(g, base.words, 'base.words', timed, { mask })
  const last = lastStates(g, base.lstm, 'base.lstm', vectors, lengths)
  const beside = g.node('base.lstm', 'Transpose', [last], { perm: [1, 0, 2] }) // [B, 2, C / 2]
  const text = g.node('base.lstm', 'Reshape', [beside, g.constant('int64', [0, config.width])])
  const h = activation(g, 'dense', 'relu', emitFlat(g, dense, 'dense', text, { mask }))
  g.output('logits', emitFlat(g, classifier, 'classifier', h, { mask }), ['batch_size', config.labels.length])
}

/** Our own small model: no types, and the mean over the words. */
function ownClassifier(g: GraphBuilder, model: TextClassifier): void {
  const ids = g.input('input_ids')
  const mask = g.input('attention_mask')
  const around = maskOf(g, mask)
  const part = (layer: Module, name: string, x: Value) => emit(g, layer, name, x, around)
  const places = placesOf(g, 'positionEmbeddings', ids, model.positionEmbeddings.weight.shape[0])
  const words = part(model.wordEmbeddings, 'wordEmbeddings', ids)
  let h = g.node('embeddings', 'Add', [words, part(model.positionEmbeddings, 'positionEmbeddings', places)])
  h = part(model.embeddingNorm, 'embeddingNorm', h)
  for (const [i, layer] of model.encoder.entries()) h = part(layer, `encoder.${i}`, h)
  g.output('logits', emitFlat(g, model.classifier, 'classifier', meanOf(g, h, mask), around), [
    'batch_size',
    model.config.classes,
  ])
}
