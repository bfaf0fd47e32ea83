// node make.js FOLDER: distils the model that the other examples open, and says how well it does on texts it has not seen.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openClassifier } from 'tinystill/bytes'
import { runDistillation } from 'tinystill/worker'
import { job } from './job.js'
import { dev } from './texts.js'

const folder = process.argv[2] ?? 'model'
const { student, facts } = await runDistillation(job).result

mkdirSync(folder, { recursive: true })
for (const [name, bytes] of Object.entries(student.files)) writeFileSync(join(folder, name), bytes)

const answers = await openClassifier(student.files).predict(dev.texts)
const right = answers.filter(({ label }, i) => label === dev.labels[i]).length
console.log(`${folder}: ${facts.parameters.student} parameters, ${right} of ${dev.texts.length} right`)
