// Numbers of a vector, as --matryoshka lists them.
import { InvalidArgumentError } from 'commander'

/** '192,96': each once. */
export function dimList(text: string): number[] {
  const dims = text.split(',').map(Number)
  if (!/^\d+(,\d+)*$/.test(text) || dims.includes(0) || new Set(dims).size < dims.length)
    throw new InvalidArgumentError('It must be whole numbers from 1 on, each once: 192,96.')
  return dims
}
