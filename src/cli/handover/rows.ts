// The rows of a training as another program reads them: texts a line each, tokens end to end, labels in the order of the classes.
import { noGrad } from '../../autograd/graph.js'
import { tidy } from '../../autograd/tidy.js'
import type { FileContent } from '../../files/disk.js'
import { safetensorsPieces } from '../../formats/safetensors/safetensors.js'
import { type DataSet, inOrder } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { empty, ints, type Tensor } from '../../tensor/tensor.js'
import { IntList } from '../../text/packed.js'
import type { Reader, SetName } from '../distill/data.js'

/** Rows of a piece. */
const PIECE = 1024

export interface TextPair {
  text: string
  textB: string | null
}

export function* textsOf(reader: Reader, set: SetName): Generator<TextPair> {
  for (const { texts, pairs } of reader.texts(set))
    for (const [i, text] of texts.entries()) yield { text, textB: pairs?.[i] ?? null }
}

function* lines(rows: Iterable<TextPair>): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let waiting: string[] = []
  for (const { text, textB } of rows) {
    waiting.push(`${JSON.stringify(textB === null ? { text } : { text, text_b: textB })}\n`)
    if (waiting.length < PIECE) continue
    yield encoder.encode(waiting.join(''))
    waiting = []
  }
  yield encoder.encode(waiting.join(''))
}

/** ids and types int32 [tokens], starts int32 [n + 1], of rows in their order. */
function tokensOf(data: DataSet<TextInput>): [string, Tensor][] {
  const [ids, types, starts] = [new IntList(), new IntList(), new IntList()]
  let typed = false
  starts.add(0)
  for (let first = 0; first < data.size; first += PIECE) {
    const rows = inOrder(Math.min(PIECE, data.size - first)).map((row) => row + first)
    tidy(() => {
      const input = noGrad(() => data.input(rows))
      if (!('starts' in input)) throw new TypeError('export-training: rows are padded')
      const before = ids.size
      ids.addAll(ints(input.inputIds))
      typed = input.tokenTypeIds !== undefined
      if (input.tokenTypeIds !== undefined) types.addAll(ints(input.tokenTypeIds))
      for (const end of ints(input.starts).subarray(1)) starts.add(before + end)
    })
  }
  const lists: [string, IntList][] = [
    ['ids', ids],
    ...(typed ? [['types', types] as [string, IntList]] : []),
    ['starts', starts],
  ]
  return lists.map(([name, list]) => [name, filled(list.toArray(), [list.size])])
}

function filled(values: Int32Array | Float32Array, shape: number[]): Tensor {
  const t = empty(shape, values instanceof Int32Array ? 'int32' : 'float32')
  t.elements.set(values)
  return t
}

/** NAME.jsonl, which label.py takes as it is, and NAME.safetensors. */
export function rowFiles(name: string, data: DataSet<TextInput>, rows: Iterable<TextPair>): FileContent[] {
  const { labels, targets, size } = data
  const tensors = tokensOf(data)
  if (targets !== undefined)
    tensors.push(['targets', filled(Float32Array.from(targets), [size, targets.length / size])])
  else if (labels !== null) tensors.push(['labels', filled(Int32Array.from(labels), [size])])
  return [
    [`${name}.jsonl`, lines(rows)],
    [`${name}.safetensors`, piecesOf(tensors)],
  ]
}

function* piecesOf(tensors: readonly [string, Tensor][]): Generator<Uint8Array> {
  yield* safetensorsPieces(tensors).pieces
  for (const [, t] of tensors) t.dispose()
}
