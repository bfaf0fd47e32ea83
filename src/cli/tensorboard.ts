// tinystill tensorboard: what a run told as it went, as files that TensorBoard opens.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CheckpointError, DataError } from '../errors.js'
import { isFolder } from '../files/disk.js'
import { BOARD, removeEventFiles } from '../files/event-files.js'
import { readLines } from '../files/lines.js'
import { lockFolder } from '../files/lock.js'
import { parseJson } from '../formats/parse-json.js'
import type { EvaluationReport, StepReport } from '../train/reports.js'
import { Board, type Place } from './shared/board.js'
import type { CommandSpec } from './shared/command.js'
import { METRICS } from './shared/run-folder.js'
import { count } from './shared/table.js'

interface TensorboardOptions {
  args: string[]
  out?: string
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (x: unknown): x is Fields => typeof x === 'object' && x !== null && !Array.isArray(x)
const isFigure = (x: unknown) => x === null || typeof x === 'number'
const areFigures = (x: unknown) => isObject(x) && Object.values(x).every(isFigure)

/** Kinds of lines, and what is wrong with one; null: nothing. */
const kinds: Readonly<Record<string, (line: Fields) => string | null>> = {
  step: (line) =>
    ['loss', 'lr', 'gradNorm', 'epoch'].find((name) => !isFigure(line[name])) ??
    (areFigures(line.terms) ? null : 'terms'),
  evaluation: ({ figures }) => (areFigures(figures) ? null : 'figures'),
}

/** Throws DataError naming the line. */
function checked(file: string, text: string, number: number): Fields {
  const refuse = (what: string): never => {
    throw new DataError(`${file}:${number}`, what, 'Name the folder of a run of train or distill')
  }
  const line = parseJson(text, refuse)
  if (!isObject(line)) return refuse('is no object')
  const { type, step, model, seed } = line
  if (typeof type !== 'string' || !Object.hasOwn(kinds, type)) return refuse('is neither step nor evaluation')
  const placed =
    model === undefined ? seed === undefined : typeof model === 'string' && Number.isSafeInteger(seed)
  const wrong =
    Number.isSafeInteger(step) && (step as number) >= 0
      ? (kinds[type](line) ?? (placed ? null : 'model'))
      : 'step'
  return wrong === null ? line : refuse(`${wrong} is not what a run writes`)
}

/** Lines of metrics.jsonl; one that is torn at the end is of a run that goes on, or was killed. */
function* linesIn(file: string): Generator<Fields> {
  let torn: unknown = null
  for (const { text, number } of readLines(file)) {
    if (text.trim() === '') continue
    if (torn !== null) throw torn
    try {
      yield checked(file, text, number)
    } catch (error) {
      if (text.trimEnd().endsWith('}')) throw error
      torn = error
    }
  }
}

/** Gives the number of lines. */
function convert(file: string, out: string): number {
  const written = statSync(file).mtimeMs / 1000
  removeEventFiles(out)
  const board = new Board(out, () => written)
  let lines = 0
  try {
    for (const { type, model, seed, ...own } of linesIn(file)) {
      const place = (model === undefined ? {} : { model, seed }) as Place
      if (type === 'step') board.step(own as unknown as StepReport, place)
      else board.evaluation(own as unknown as EvaluationReport, place)
      if (++lines % 1000 === 0) board.flush()
    }
  } finally {
    board.close()
  }
  return lines
}

export const tensorboardCommand: CommandSpec<TensorboardOptions> = {
  name: 'tensorboard',
  describe:
    "Write a run's metrics as TensorBoard's event files; train and distill do it as they go by --tensorboard",
  options: (command: Command) =>
    command
      .argument('<run>', 'folder of a run of train or distill')
      .option('--out <dir>', `where to; default: ${BOARD} in that folder`),
  run: async ({ args: [run], out }, { output }) => {
    const file = join(run, METRICS)
    if (!isFolder(run) || statSync(file, { throwIfNoEntry: false }) === undefined)
      throw new CheckpointError(run, `is no folder of a run: it has no ${METRICS}`, 'Name the --out of a run')
    const to = out ?? join(run, BOARD)
    // A run that goes on may be writing there.
    const release = out === undefined ? lockFolder(run) : () => {}
    try {
      const lines = convert(file, to)
      output.print(`${to}: ${count(lines)} lines of ${file}; tensorboard --logdir ${to}`)
      output.json({ out: to, lines })
    } finally {
      release()
    }
  },
}
