// Weights of linear layers between a file's form and ours, where a family's files have another: GPT-2's Conv1D, whose weights
// are [in, out], with queries, keys and values in one; ModernBERT's, with those in one, and the inner layer and its gate.
import { CheckpointError } from '../errors.js'
import type { Family, Stored } from '../nn/models/family.js'
import { formatShape } from '../tensor/shape.js'
import { empty, type Tensor } from '../tensor/tensor.js'

/** A name's module and its last word, for those that the form speaks of. */
function placeOf({ turned, joined }: Stored, name: string) {
  const [, path, leaf] = /^(.*)\.(weight|bias)$/.exec(name) ?? []
  if (path === undefined) return null
  const ends = (end: string) => path.endsWith(`.${end}`)
  const whole = Object.keys(joined).find(ends)
  const parts =
    whole === undefined ? [path] : joined[whole].map((part) => path.slice(0, -whole.length) + part)
  return { names: parts.map((part) => `${part}.${leaf}`), turned: leaf === 'weight' && turned.some(ends) }
}

/** Rows `from` on of [rows, columns] as columns: `of` [columns, rows]. */
function turn(out: Tensor, of: Tensor, from: number): void {
  const [columns, rows] = [out.shape[1], out.shape[0]]
  const width = of.shape[1]
  const [to, numbers] = [out.elements, of.elements]
  for (let c = 0; c < columns; c++)
    for (let r = 0; r < rows; r++) to[r * columns + c] = numbers[c * width + from + r]
}

/**
 * Puts our tensors in the places of a file's, which it disposes of. Throws CheckpointError for one that is no matrix, or that
 * does not divide.
 */
export function unpack(file: string, found: Map<string, Tensor>, { stored }: Family): void {
  if (stored === null) return
  for (const [name, t] of [...found]) {
    const place = placeOf(stored, name)
    if (place === null || (place.names.length === 1 && !place.turned)) continue
    const { names, turned } = place
    const refuse = (what: string): never => {
      throw new CheckpointError(
        file,
        `${name} is ${formatShape(t.shape)}, and must be ${what}`,
        'Save it again',
      )
    }
    const matrix = name.endsWith('.weight')
    if (t.rank !== (matrix ? 2 : 1)) refuse(matrix ? 'a matrix' : 'a list')
    const width = t.shape[turned ? 1 : 0] / names.length
    const columns = turned ? t.shape[0] : matrix ? t.shape[1] : 1
    if (!Number.isInteger(width)) refuse(`${names.length} parts of one width`)
    found.delete(name)
    for (const [i, own] of names.entries()) {
      if (found.has(own)) throw new CheckpointError(file, `holds ${own} beside ${name}`)
      const part = empty(matrix ? [width, columns] : [width], t.dtype)
      if (turned) turn(part, t, i * width)
      else part.elements.set(t.elements.subarray(i * width * columns, (i + 1) * width * columns))
      found.set(own, part)
    }
    t.dispose()
  }
}

/** The same the other way: new tensors in the file's form, the others as they are. */
export function packed(
  tensors: readonly (readonly [string, Tensor])[],
  { stored }: Family,
): (readonly [string, Tensor])[] {
  if (stored === null) return [...tensors]
  const ours = new Map(tensors)
  const out = new Map<string, Tensor>()
  for (const [name, t] of tensors) {
    const [whole, own] = wholeOf(stored, name)
    const place = placeOf(stored, whole)
    const parts = place?.names.map((part) => ours.get(part)) ?? []
    // Layers of two matrices, and what lacks a part, stay apart.
    if (place === null || !parts.every((part) => part !== undefined)) out.set(name, t)
    else if (own === 0) out.set(whole, place.turned || parts.length > 1 ? together(parts, place.turned) : t)
  }
  return [...out]
}

/** What a parameter is called in a file, by its name among ours: parts of one have the name of that. */
export const storedName = ({ stored }: Family, name: string): string =>
  stored === null ? name : wholeOf(stored, name)[0]

/** What a tensor is part of in a file, and which part. */
function wholeOf({ joined }: Stored, name: string): [whole: string, part: number] {
  for (const [end, parts] of Object.entries(joined))
    for (const [i, part] of parts.entries())
      for (const leaf of ['weight', 'bias'])
        if (name.endsWith(`.${part}.${leaf}`))
          return [`${name.slice(0, -part.length - leaf.length - 1)}${end}.${leaf}`, i]
  return [name, 0]
}

function together(parts: readonly Tensor[], turned: boolean): Tensor {
  const width = parts.reduce((n, t) => n + t.shape[0], 0)
  const [{ shape, dtype }] = parts
  const out = empty(turned ? [shape[1], width] : [width, ...shape.slice(1)], dtype)
  let at = 0
  for (const t of parts) {
    const [rows, columns] = t.shape
    const numbers = t.elements
    if (turned)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) out.elements[c * width + at + r] = numbers[r * columns + c]
    else out.elements.set(numbers, at * (columns ?? 1))
    at += rows
  }
  return out
}
