// Prints, as JSON, what trainingBits() gives on this Node for each number of threads that is named, and how many workers
// were started. usage: node test/browser/bits-node.mjs 1 2 4
import { trainingBits } from './bits.mjs'

let workers = 0
process.on('worker', () => workers++)

const results = []
for (const threads of process.argv.slice(2).map(Number)) {
  const bits = await trainingBits(threads, () => new Promise((resolve) => setTimeout(resolve, 5)))
  results.push({ threads, workers, ...bits })
}
console.log(JSON.stringify(results))
process.exit(0)
