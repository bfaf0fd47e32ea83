// The program as a user runs it, and texts whose class a few words tell.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from '../../src/cli/main.js'
import { readSafetensors, writeSafetensors } from '../../src/formats/safetensors/safetensors.js'
import type { Tensor } from '../../src/tensor/tensor.js'

/** One command line that is ended, as by Ctrl-C, as soon as it listens; its exit code. */
export const interrupted = (...args: string[]): Promise<number> => interruptedIn(1, ...args)

/** The same in a later one of its trainings. */
export function interruptedIn(training: number, ...args: string[]): Promise<number> {
  let begun = 0
  return main(args, {
    stdout: { write: () => {}, drained: async () => {} },
    stderr: { write: () => {} },
    lines: async function* () {},
    now: () => performance.now(),
    signals: (hear) => {
      if (++begun === training) hear('SIGINT')
      return () => {}
    },
  })
}

/** One command line; what it wrote and its exit code. */
export async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await main(args, {
    stdout: { write: (s) => void out.push(s), drained: async () => {} },
    stderr: { write: (s) => void err.push(s) },
    lines: async function* () {},
    now: () => performance.now(),
  })
  return { code, out: out.join(''), err: err.join('') }
}

const good = ['fine', 'great', 'lovely', 'warm']
const bad = ['dull', 'awful', 'cold', 'weak']
const rest = ['film', 'story', 'cast', 'plot', 'scene']

/** n rows of text and class. */
export function reviews(n: number): [text: string, label: string][] {
  return Array.from({ length: n }, (_, i) => {
    const words = i % 2 === 0 ? good : bad
    const text = `a ${words[(i * 7) % 4]} ${rest[(i * 3) % 5]} with a ${words[(i * 5 + 1) % 4]} ${rest[(i * 11) % 5]}`
    return [text, i % 2 === 0 ? 'good' : 'bad']
  })
}

/** A copy of a model whose embedding of position 15 is NaN: texts of fewer tokens do not see it. */
export function brokenPosition(from: string, to: string): string {
  cpSync(from, to, { recursive: true })
  const file = join(to, 'model.safetensors')
  const { tensors, metadata } = readSafetensors(readFileSync(file))
  const [, table] = Array.from(tensors).find(([name]) => name.includes('position_embeddings')) as [
    string,
    Tensor,
  ]
  table.elements.fill(Number.NaN, 15 * table.shape[1], 16 * table.shape[1])
  writeFileSync(file, writeSafetensors(tensors, { metadata }))
  return to
}

/** A text that does. */
export const longText = `a fine film${' and a lovely story'.repeat(5)}\tgood`
