// Puts a graph together, node by node. Values go by names; a weight is made when the file is written, so that no second copy
// of a model is in memory.
import type { Tensor } from '../../tensor/tensor.js'
import { type ElementName, elementTypes, tensorToWrite } from './elements.js'
import {
  type AttributeProto,
  attributeTypes,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema.js'

/** What one scale of a quantized layer's input is for. */
export type OnnxInputs = 'row' | 'tensor'

/** Name of a value in the graph. */
export type Value = string

/** A whole number, whole numbers, a word, or marked as a fraction. */
type Given = number | string | readonly number[] | { float: number }

/** Turns a weight [rows, columns] round. */
function turned(weight: Tensor): Float32Array {
  const [rows, columns] = weight.shape
  const out = new Float32Array(rows * columns)
  const { elements } = weight
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = elements[r * columns + c]
  return out
}

export class GraphBuilder {
  readonly nodes: NodeProto[] = []
  readonly tensors: TensorProto[] = []
  readonly inputs: ValueInfoProto[] = []
  readonly outputs: ValueInfoProto[] = []
  readonly #shared = new Map<string, unknown>()
  readonly #constants = new Map<string, Value>()
  readonly #parameters = new Map<Tensor, Value>()
  readonly #counts = new Map<string, number>()
  readonly #stored = new Set<Value>()

  /**
   * floats: what weights are stored in and products are computed in. nameOf: a parameter's name in files, from its path.
   * inputsBy: what a scale of a quantized layer's input is for.
   */
  constructor(
    readonly floats: 'float' | 'float16',
    readonly nameOf: (path: string) => string,
    readonly inputsBy: OnnxInputs = 'row',
  ) {}

  /** What is made once for all layers that ask for it by the same key. */
  shared<T>(key: string, make: () => T): T {
    if (!this.#shared.has(key)) this.#shared.set(key, make())
    return this.#shared.get(key) as T
  }

  /** The value of one operation; its name and its node's come from the place in the model that it is for. */
  node(path: string, op: string, inputs: readonly Value[], attributes: Record<string, Given> = {}): Value {
    return this.several(path, op, inputs, attributes, 1)[0]
  }

  /** The values of an operation that has several. */
  several(
    path: string,
    op: string,
    inputs: readonly Value[],
    attributes: Record<string, Given>,
    count: number,
  ): Value[] {
    const stem = `${path.replace(/^(?!$)/, '/')}/${op}`
    const n = this.#counts.get(stem) ?? 0
    this.#counts.set(stem, n + 1)
    const name = n === 0 ? stem : `${stem}_${n}`
    const outputs = Array.from({ length: count }, (_, i) => (i === 0 ? `${name}_out` : `${name}_out_${i}`))
    this.nodes.push({
      ...{ input: [...inputs], output: outputs, name, opType: op },
      attribute: Object.entries(attributes).map(([key, given]) => attribute(key, given)),
    })
    return outputs
  }

  /** A parameter as it is. One that two layers share is stored once. */
  parameter(path: string, tensor: Tensor): Value {
    const before = this.#parameters.get(tensor)
    if (before !== undefined) return before
    const name = this.nameOf(path)
    this.#parameters.set(tensor, name)
    this.stored(name, this.floats, tensor.shape, () => tensor.elements)
    return name
  }

  /** A weight [out, in] as [in, out], for MatMul: turned round in the file, or where the table is there already in the graph. */
  turned(path: string, weight: Tensor): Value {
    const before = this.#parameters.get(weight)
    if (before !== undefined) return this.node(path, 'Transpose', [before], { perm: [1, 0] })
    const [rows, columns] = weight.shape
    const name = this.nameOf(path)
    this.stored(name, this.floats, [columns, rows], () => turned(weight))
    return name
  }

  /** Numbers under a name, made when the file is written. A layer that is seen again has its own there already. */
  stored(name: Value, type: ElementName, shape: readonly number[], numbers: () => ArrayLike<number>): Value {
    if (this.#stored.has(name)) return name
    this.#stored.add(name)
    this.tensors.push(tensorToWrite(name, type, shape, numbers))
    return name
  }

  /** A number, or a list of them; the same ones are stored once. */
  constant(type: ElementName, value: number | readonly number[]): Value {
    const key = `${type} ${JSON.stringify(value)}`
    const before = this.#constants.get(key)
    if (before !== undefined) return before
    const name = `constant_${this.#constants.size}`
    this.#constants.set(key, name)
    return typeof value === 'number'
      ? this.stored(name, type, [], () => [value])
      : this.stored(name, type, [value.length], () => value)
  }

  /** A number of the type that the graph computes in. */
  number(value: number): Value {
    return this.constant(this.floats, value)
  }

  /** The same number in a vector whose shape comes when the input does. */
  fill(path: string, type: ElementName, value: number, shape: Value): Value {
    const made = this.node(path, 'ConstantOfShape', [shape])
    const t = tensorToWrite('', type, [1], () => [value])
    this.nodes.at(-1)?.attribute?.push({ name: 'value', t, type: attributeTypes.tensor })
    return made
  }

  input(name: Value): Value {
    this.inputs.push(valueInfo(name, 'int64', ['batch_size', 'sequence_length']))
    return name
  }

  /** Gives the value of a node under another name: as floats, whatever the graph computes in. */
  output(name: Value, value: Value, shape: readonly (number | string)[]): void {
    this.outputs.push(valueInfo(name, 'float', shape))
    if (this.floats === 'float16') {
      const to = attribute('to', elementTypes.float.code)
      this.nodes.push({ input: [value], output: [name], name: `/${name}`, opType: 'Cast', attribute: [to] })
      return
    }
    const maker = this.nodes.find(({ output }) => output?.includes(value)) as NodeProto
    maker.output = maker.output?.map((own) => (own === value ? name : own))
  }
}

function attribute(name: string, given: Given): AttributeProto {
  if (typeof given === 'number') return { name, i: given, type: attributeTypes.int }
  if (typeof given === 'string')
    return { name, s: new TextEncoder().encode(given), type: attributeTypes.string }
  if ('float' in given) return { name, f: given.float, type: attributeTypes.float }
  return { name, ints: [...given], type: attributeTypes.ints }
}

function valueInfo(name: string, type: ElementName, shape: readonly (number | string)[]): ValueInfoProto {
  const dim = shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }))
  return { name, type: { tensorType: { elemType: elementTypes[type].code, shape: { dim } } } }
}
