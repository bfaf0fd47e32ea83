// A collection, and the turns in which its finds come back: after it memory() counts what lives, not what earlier tests left.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
export const collect = runInNewContext('gc') as () => void

export async function settled(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    collect()
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }
}
