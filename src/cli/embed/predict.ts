// tinystill predict of a sentence encoder: a vector a text, as lines of JSON or as one file of numbers.
import { Option } from 'commander'
import { tensor } from '../../autograd/create.js'
import { DataError } from '../../errors.js'
import { writeAtomic } from '../../files/disk.js'
import { npyPieces } from '../../formats/npy.js'
import { safetensorsPieces } from '../../formats/safetensors/safetensors.js'
import { embed } from '../../train/embedding/vectors.js'
import type { Context } from '../shared/command.js'
import { count } from '../shared/table.js'
import { openEmbedder, promptOf } from './data.js'

export interface PredictVectorsOptions {
  model: string
  maxLength?: number
  prompt?: string
  vectors?: string
  jsonl: boolean
  top: number
}

/** Formats of --vectors by the ends of their names. */
const writers: Readonly<Record<string, (values: Float32Array, size: number) => Iterable<Uint8Array>>> = {
  '.npy': npyPieces,
  '.safetensors': (values, size) =>
    safetensorsPieces([['embeddings', tensor(values, { shape: [values.length / size, size] })]], {}).pieces,
}

export const vectorsOption = () =>
  new Option(
    '--vectors <file>',
    'of embeddings: all vectors into one file, in the order of the texts: .npy or .safetensors',
  )

export const promptOption = () =>
  new Option('--prompt <name>', "of embeddings: which of the folder's prompts stands before each text: query")

function writerFor(file: string): (typeof writers)[string] {
  const ending = Object.keys(writers).find((end) => file.endsWith(end))
  if (ending === undefined)
    throw new RangeError(`--vectors ${file}: must end in ${Object.keys(writers).join(' or ')}`)
  return writers[ending]
}

/** groups: the texts as they come. An empty line has a vector too, so that vectors can be laid beside the input. */
export async function predictVectors(
  options: PredictVectorsOptions,
  groups: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  { output }: Pick<Context, 'output'>,
): Promise<void> {
  const { vectors: file, jsonl, top } = options
  const write = file === undefined ? null : writerFor(file)
  const embedder = openEmbedder(options.model, options.maxLength, output)
  const prompt = promptOf(embedder, options.prompt)
  const { size } = embedder.model
  const kept: Float32Array[] = []
  const list = output.jsonList('embeddings')
  let done = 0
  for await (const texts of groups) {
    const { values } = await embed(
      embedder,
      texts.map((text) => prompt + text),
    )
    if (write !== null) kept.push(values)
    else
      texts.forEach((text, i) => {
        const embedding = Array.from(values.subarray(i * size, (i + 1) * size))
        if (jsonl) output.jsonLine({ text, embedding })
        else {
          list.add({ text, embedding })
          const first = embedding.slice(0, top).map((x) => x.toFixed(4))
          output.print(`${first.join(' ')} ... (${count(size)} numbers)  |  ${text.replace(/\s+/g, ' ')}`)
        }
      })
    done += texts.length
    await output.drained()
  }
  if (done === 0) throw new DataError('standard input', 'no text to embed', 'Pass --text, or one text a line')
  if (write !== null && file !== undefined) {
    const all = new Float32Array(done * size)
    kept.reduce((at, values) => {
      all.set(values, at)
      return at + values.length
    }, 0)
    writeAtomic(file, write(all, size))
    output.print(`${file}: ${count(done)} vectors of ${count(size)} numbers`)
    output.json({ rows: done, size, file })
  } else if (!jsonl) list.end()
}
