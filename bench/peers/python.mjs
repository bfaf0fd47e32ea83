// Runs the Python scripts beside this file; PYTHON names the interpreter, default python3.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const python = process.env.PYTHON ?? 'python3'

export const hasTorch = spawnSync(python, ['-c', 'import torch, transformers']).status === 0

/** The JSON that the script prints. */
export function runPython(script, args) {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const { stdout, status, stderr } = spawnSync(python, [path, ...args.map(String)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
