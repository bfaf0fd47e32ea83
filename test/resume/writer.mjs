// Saves checkpoints one after the other until it is killed: node writer.mjs FOLDER FIRST. Tells of each that is safe.
import { writeSync } from 'node:fs'
import { CheckpointFolder } from '../../dist/files/checkpoint-folder.js'
import { tensor } from '../../dist/index.js'

const [folder, first] = process.argv.slice(2)
const checkpoints = new CheckpointFolder(folder)
checkpoints.newest(() => {})
for (let step = Number(first); ; step++) {
  const numbers = Float32Array.from({ length: 3000 }, (_, i) => step * i)
  checkpoints.save(step, [['numbers', tensor(numbers)]], { step })
  writeSync(1, `${step}\n`)
}
