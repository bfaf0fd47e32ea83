// Results as JSON files, with the machine they were measured on.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from './args.mjs'
import { machine } from './machine.mjs'

/** A file of bench/results. */
export const stored = (name) => fileURLToPath(new URL(`../results/${name}`, import.meta.url))

/** Three digits of a figure are more than a bench can tell apart. */
const short = (_, value) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value

export function writeResults(file, results, engine = process.versions) {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify({ machine: machine(engine), ...results }, short, 2)}\n`)
  } catch (error) {
    fail(`cannot write ${file}: ${error.message}. Name a file in a folder that can be written`)
  }
  console.log(`wrote ${relative('.', file)}`)
}

export function readResults(file, remedy) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return fail(`cannot read ${relative('.', file)}: ${error.message}. ${remedy}`)
  }
}
