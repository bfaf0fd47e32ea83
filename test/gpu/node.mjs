// One mode of gpu.js in Node: node node.mjs MODE, the job as JSON on standard input. Each check is a line of JSON.
import { readFileSync } from 'node:fs'

const [mode] = process.argv.slice(2)
const job = JSON.parse(readFileSync(0, 'utf8'))
const { runAll } = await import('./built/test/gpu/suite.js')
const say = (name, detail) =>
  console.log(JSON.stringify(detail instanceof Error ? { name, error: detail.message } : { name, detail }))
await runAll({ ...job, options: { mode } }, say)
// No process.exit: it ends by itself, or the one that started it says that it did not.
