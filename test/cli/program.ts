// The program as a user runs it, and texts whose class a few words tell.
import { main } from '../../src/cli/main.js'

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
