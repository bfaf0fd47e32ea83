// What each head, neuron, layer and hidden dimension of a model is worth, measured on labelled texts, or by weights alone.

import { backward } from '../../autograd/backward.js'
import { registerHook } from '../../autograd/hooks.js'
import { clearGrad, releaseGrad } from '../../autograd/leafgrad.js'
import { mul } from '../../autograd/ops/elementwise/arithmetic.js'
import { tidy } from '../../autograd/tidy.js'
import { GradError } from '../../errors.js'
import { flat, ints, type Tensor } from '../../tensor/tensor.js'
import type { EncoderBlock } from '../encoder.js'
import { type Linear, LowRankLinear } from '../layers.js'
import { SequenceClassifier } from '../models/heads.js'
import type { TextInput } from '../models/input.js'
import type { HeadModel, Pretrained } from '../models/pretrained.js'
import { baseOf } from './cut.js'
import { addSizes, type HeadMethodName, headMethods, type WeightMethodName } from './methods.js'

/** What each part of a model is worth. */
export interface Scores {
  /** Layer by layer. */
  heads: Float64Array[]
  neurons: Float64Array[]
  layers: Float64Array
  /** Of hidden dimensions. */
  width: Float64Array
  /** Of the pooler's outputs. */
  pooled: Float64Array
}

/** Of Importance: how heads and the rest are judged. */
export interface ImportanceOptions {
  /** Default michel, or magnitude where no texts are seen. */
  heads?: HeadMethodName | undefined
  neurons?: WeightMethodName | undefined
  width?: WeightMethodName | undefined
  /** Divides the scores of a layer's heads by their length, so that layers count alike, as in Michel et al.'s paper. Default true. */
  perLayer?: boolean
}

/** The mean loss of a batch, from what the model says of it. */
export type BatchLoss = (output: { logits: Tensor }, rows: Int32Array) => Tensor

type Value = (t: Tensor) => (i: number) => number

const zeros = (n: number) => new Float64Array(n)
const outer = (layer: Linear | LowRankLinear) => (layer instanceof LowRankLinear ? layer.expand : layer)
const inner = (layer: Linear | LowRankLinear) => (layer instanceof LowRankLinear ? layer.reduce : layer)

/** The word's text, of padded or unpadded input. */
function textsOf(input: TextInput): { textOf: Int32Array; texts: number; words: number } {
  if ('starts' in input) {
    const starts = ints(input.starts)
    const textOf = new Int32Array(starts[starts.length - 1])
    for (let b = 0; b + 1 < starts.length; b++) textOf.fill(b, starts[b], starts[b + 1])
    return { textOf, texts: starts.length - 1, words: textOf.length }
  }
  const [texts, T] = input.inputIds.shape
  const mask = ints(input.attentionMask)
  const textOf = Int32Array.from({ length: texts * T }, (_, i) => (mask[i] === 0 ? -1 : Math.floor(i / T)))
  return { textOf, texts, words: textOf.filter((text) => text >= 0).length }
}

/** Sees batches one by one; the model's weights stay as they are, and gradients that it has are gone. */
export class Importance {
  readonly #scores: Scores
  readonly #options: {
    heads: HeadMethodName
    neurons: WeightMethodName
    width: WeightMethodName
    perLayer: boolean
  }
  /** Each once, though it stand for several layers. */
  readonly #blocks: readonly EncoderBlock[]
  #texts = 0
  #words = 0
  #batches = 0

  constructor(
    readonly model: Pretrained,
    {
      heads = 'michel',
      neurons = 'first-order',
      width = 'first-order',
      perLayer = true,
    }: ImportanceOptions = {},
  ) {
    const { width: C } = model.config
    this.#options = { heads, neurons, width, perLayer }
    this.#blocks = [...new Set(baseOf(model).layers)]
    this.#scores = {
      heads: this.#blocks.map(({ attention }) => zeros(attention.heads)),
      neurons: this.#blocks.map(({ up }) => zeros(up.outFeatures)),
      ...{ layers: zeros(this.#blocks.length), width: zeros(C), pooled: zeros(C) },
    }
  }

  /** Runs a batch forward and back. `loss` gives its mean over the rows. Throws GradError for a model that is frozen. */
  add(input: TextInput, rows: Int32Array, loss: BatchLoss): void {
    const { model } = this
    const { training } = model
    const parameters = model.parameters()
    if (parameters.some((p) => !p.requiresGrad))
      throw new GradError('Importance: the model is frozen', 'Set requiresGrad of all its parameters')
    model.eval()
    for (const p of parameters) clearGrad(p)
    const { textOf, texts, words } = textsOf(input)
    const removers = this.#listen(textOf, texts)
    try {
      tidy(() => {
        const total = loss((model as HeadModel).forward(input), rows)
        // Of the sum of losses: a text's part does not depend on how many others are beside it.
        backward(mul(total, texts))
      })
      const gradient: Value = (t) => {
        const [w, g] = [flat(t), t.grad === null ? null : flat(t.grad)]
        return (i) => (g === null ? 0 : w[i] * g[i])
      }
      if (this.#options.neurons === 'first-order') this.#addNeurons(gradient, Math.abs)
      if (this.#options.width === 'first-order') this.#addWidth(gradient, Math.abs)
    } finally {
      for (const remove of removers) remove()
      for (const p of parameters) clearGrad(p)
      model.train(training)
    }
    this.#texts += texts
    this.#words += words
    this.#batches++
  }

  /** Hears what heads and layers give, and their gradients when those come. */
  #listen(textOf: Int32Array, texts: number): (() => void)[] {
    const method = headMethods[this.#options.heads]
    return this.#blocks.flatMap((block, i) => [
      block.attention.out.registerForwardPreHook((_, [context]: Tensor[]) => {
        if (method.of === null) return undefined
        registerHook(context, (gradient) => {
          const { heads } = block.attention
          const products = productsOf(context, gradient, heads)
          const own = method.of({ products, heads, textOf, texts })
          for (let h = 0; h < heads; h++) this.#scores.heads[i][h] += own[h]
        })
        return undefined
      }),
      block.registerForwardHook<Tensor>((_, [x], y) => {
        registerHook(y, (gradient) => {
          const [a, b, g] = [x, y, gradient].map(flat)
          const width = x.shape[x.rank - 1]
          const sums = zeros(texts)
          for (let n = 0; n < g.length; n++) {
            const text = textOf[Math.floor(n / width)]
            if (text >= 0) sums[text] += (b[n] - a[n]) * g[n]
          }
          this.#scores.layers[i] += sums.reduce((sum, x) => sum + Math.abs(x), 0)
        })
        return undefined
      }),
    ])
  }

  #addNeurons(value: Value, size: (sum: number) => number): void {
    for (const [i, { up, gate, down }] of this.#blocks.entries()) {
      const own = this.#scores.neurons[i]
      for (const layer of gate === null ? [up] : [up, gate]) {
        const { weight, bias } = outer(layer)
        const [w, b] = [value(weight), bias === null ? () => 0 : value(bias)]
        const columns = weight.shape[1]
        const sums = zeros(own.length)
        for (let n = 0; n < weight.numel; n++) sums[Math.floor(n / columns)] += w(n)
        for (let n = 0; n < own.length; n++) own[n] += size(sums[n] + b(n))
      }
      addSizes(own, inner(down).weight, 'columns', value(inner(down).weight), size)
    }
  }

  /** Every matrix that hidden states go into, or come out of; and of the pooler's outputs what the classifier makes of them. */
  #addWidth(value: Value, size: (sum: number) => number): void {
    const { width, pooled } = this.#scores
    const { model } = this
    const base = baseOf(model)
    // Cut are none where blocks see the states through layers alone.
    if (base.config.bottleneck !== null) return
    const add = (t: Tensor, by: 'rows' | 'columns') => addSizes(width, t, by, value(t), size)
    if (base.project !== null) {
      add(base.project.weight, 'rows')
      if (base.project.bias !== null) add(base.project.bias, 'rows')
    } else
      for (const table of [base.words, base.positions, base.types]) if (table) add(table.weight, 'columns')
    for (const block of this.#blocks) {
      const { query, key, value: values, out } = block.attention
      for (const layer of [query, key, values, block.up, ...(block.gate === null ? [] : [block.gate])])
        add(inner(layer).weight, 'columns')
      for (const layer of [out, block.down]) {
        add(outer(layer).weight, 'rows')
        if (layer.bias !== null) add(layer.bias, 'rows')
      }
    }
    const norms = this.#blocks.flatMap((b) => [b.attentionNorm, b.outputNorm])
    if (base.relative !== null) add(base.relative.positions.weight, 'columns')
    const around = [base.project === null ? base.norm : null, base.relative?.norm, base.finalNorm]
    for (const norm of [...around, ...norms]) {
      if (!norm) continue
      add(norm.weight, 'rows')
      if (norm.bias !== null) add(norm.bias, 'rows')
    }
    const pooler = base.pooler ?? (model instanceof SequenceClassifier ? model.pooler : null)
    if (pooler === null || !(model instanceof SequenceClassifier)) return
    add(pooler.weight, 'columns')
    addSizes(pooled, pooler.weight, 'rows', value(pooler.weight), size)
    addSizes(pooled, model.classifier.weight, 'columns', value(model.classifier.weight), size)
  }

  /** Of the squares of weights, whatever was seen. */
  #addMagnitudes(): void {
    const square: Value = (t) => {
      const w = flat(t)
      return (i) => w[i] * w[i]
    }
    const { heads, neurons, width } = this.#options
    if (heads === 'magnitude')
      for (const [i, { attention }] of this.#blocks.entries()) {
        const columns = zeros(attention.heads * attention.headSize)
        for (const layer of [attention.query, attention.key, attention.value])
          addSizes(columns, outer(layer).weight, 'rows', square(outer(layer).weight))
        addSizes(columns, inner(attention.out).weight, 'columns', square(inner(attention.out).weight))
        const own = this.#scores.heads[i].fill(0)
        for (const [n, x] of columns.entries()) own[Math.floor(n / attention.headSize)] += x
        for (let h = 0; h < own.length; h++) own[h] = Math.sqrt(own[h])
      }
    if (neurons === 'magnitude') {
      for (const own of this.#scores.neurons) own.fill(0)
      this.#addNeurons(square, Math.sqrt)
    }
    if (width === 'magnitude') {
      this.#scores.width.fill(0)
      this.#scores.pooled.fill(0)
      this.#addWidth(square, Math.sqrt)
    }
  }

  /** What has been seen so far. Gives what backward kept back. */
  scores(): Scores {
    for (const p of this.model.parameters()) releaseGrad(p)
    this.#addMagnitudes()
    const { heads, neurons, layers, width, pooled } = this.#scores
    const counts = { texts: this.#texts || 1, words: this.#words || 1, batches: this.#batches || 1 }
    const { by } = headMethods[this.#options.heads]
    const scaled = (list: Float64Array, n: number) => list.map((x) => x / n)
    const even = (list: Float64Array) =>
      this.#options.perLayer ? scaled(list, Math.sqrt(list.reduce((sum, x) => sum + x * x, 0)) || 1) : list
    const last = heads.length - 1
    const places = baseOf(this.model).layers.map((block) => this.#blocks.indexOf(block))
    const byHeads = heads.map((own, i) => even(scaled(own, by({ ...counts, last: i === last }))))
    return {
      heads: places.map((at) => byHeads[at]),
      neurons: places.map((at) => scaled(neurons[at], counts.batches)),
      layers: scaled(
        Float64Array.from(places, (at) => layers[at]),
        counts.texts,
      ),
      width: scaled(width, counts.batches),
      // Without a pooler for classes its outputs are the hidden dimensions themselves.
      pooled: pooled.some((x) => x > 0) ? scaled(pooled, counts.batches) : scaled(width, counts.batches),
    }
  }
}

/** [words, heads] of ctx . dL/dctx, both [..., heads * size]. */
function productsOf(context: Tensor, gradient: Tensor, heads: number): Float64Array {
  const [x, g] = [flat(context), flat(gradient)]
  const size = context.shape[context.rank - 1] / heads
  const out = zeros(x.length / size)
  for (let i = 0; i < x.length; i++) out[Math.floor(i / size)] += x[i] * g[i]
  return out
}
