// Two copies of the package in one process: a tensor of one is no tensor to the other. Said once, when the second loads.
import { VERSION } from '../version.js'

/** 'file:///app/node_modules/tinystill/dist/tensor/copies.js:5:9': where this very line runs, without a bundler's query. */
function ownFrame(): string | null {
  const frames = String(new Error().stack).split('\n')
  // V8 and others name the error first, or not.
  const frame = frames.find((line) => /:\d+:\d+\)?$/.test(line.trim()))
  const found = /((?:[a-z-]+:\/\/|[A-Za-z]:[\\/]|\/)[^\s()]*?)(?:\?[^\s():]*)?(:\d+:\d+)\)?$/.exec(
    frame?.trim() ?? '',
  )
  return found && `${found[1]}${found[2]}`
}

const here = ownFrame()

/** The file that this runs in, as URL or path; null where the engine does not tell. A bundle's where it was bundled. */
export function ownAddress(): string | null {
  const file = here?.replace(/:\d+:\d+$/, '') ?? null
  return file !== null && /^(file:\/\/)?(\/|[A-Za-z]:)/.test(file) ? file : null
}

interface First {
  version: string
  here: string | null
  told: boolean
}

const mark: unique symbol = Symbol.for('tinystill') as never

/** Tests and hot reloading load the same file anew, one after the other: that is no second copy. */
export function noticeCopies(place: string | null, own: string, warn: (line: string) => void): void {
  const world = globalThis as { [mark]?: First }
  const first = world[mark]
  if (first === undefined) {
    const value: First = { version: own, here: place, told: false }
    Object.defineProperty(globalThis, mark, { value, enumerable: false })
    return
  }
  const same = first.here === place && first.version === own
  if (same || first.told) return
  first.told = true
  warn(
    `tinystill is loaded twice, ${first.version} from ${first.here ?? 'an unknown place'} and ${own} from ${place ?? 'an unknown place'}: tensors of one are not tensors to the other. Let all parts of the program use one, see: npm ls tinystill`,
  )
}

noticeCopies(here, VERSION, (line) => console.warn(line))
