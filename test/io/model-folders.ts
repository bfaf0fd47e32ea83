// Folders of tiny models that tests write, spoil and read again.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { tensor } from '../../src/autograd/create.js'
import { noGrad } from '../../src/autograd/graph.js'
import { randomScope } from '../../src/autograd/random.js'
import { writePretrained } from '../../src/files/models/on-disk.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { Pretrained } from '../../src/nn/models/pretrained.js'
import { keyOf } from '../../src/tensor/rng.js'
import type { Tensor } from '../../src/tensor/tensor.js'

/** Removed after the tests of the file that imports this. */
export const root = mkdtempSync(join(tmpdir(), 'tinystill-pretrained-'))
afterAll(() => rmSync(root, { recursive: true }))

export const size = { vocabSize: 9, width: 8, layers: 2, heads: 2, inner: 10, maxLength: 6 }
export const seeded = <T>(make: () => T): T => randomScope(keyOf(3), make)
export const inputIds = tensor([[2, 3, 4]], { dtype: 'int32' })
export const resultOf = (model: Pretrained) => {
  const out = noGrad(() => model.eval().forward({ inputIds }))
  return [...(out.logits ?? out.lastHiddenState).data]
}

let folders = 0
export const fresh = () => join(root, `${folders++}`)

/** The model in a new folder. */
export function saved(model: Pretrained): string {
  const folder = fresh()
  writePretrained(folder, { model })
  return folder
}

export type State = Map<string, Tensor>

/** Writes the weights again, changed. */
export function edit(folder: string, change: (state: State) => State | undefined): string {
  const file = join(folder, 'model.safetensors')
  const { tensors, metadata } = readSafetensors(readFileSync(file))
  writeFileSync(file, writeSafetensors(change(tensors) ?? tensors, { metadata }))
  return folder
}

export function editConfig(folder: string, change: Record<string, unknown>): string {
  const file = join(folder, 'config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }))
  return folder
}

export const renamed = (rename: (name: string) => string) => (state: State) =>
  new Map(Array.from(state, ([name, t]): [string, Tensor] => [rename(name), t]))

export const zeros = (...shape: number[]) =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape })
