// A model beside what was made of it: both answer the same texts, their speeds are measured in turn, and a table says it.
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import type { ProblemType } from '../../nn/models/config.js'
import { textData } from '../../text/dataset.js'
import type { Tokenizer } from '../../text/encoding.js'
import { predictInTurns } from '../../train/predict.js'
import type { Figures } from '../../train/reports.js'
import { tasks } from '../../train/tasks.js'
import { type Change, changeOf } from './change.js'
import type { Context } from './command.js'
import { measureSpeeds, type Speed, shownSpeed, type Timed } from './speed.js'
import { bytes, count, renderTable } from './table.js'

export type Both<T> = Record<'before' | 'after', T>

export interface Side {
  /** For people. */
  name: string
  model: TextClassifierFolder['model']
  /** Each reads texts in its own way. */
  tokenizer: Tokenizer
}

/** What both answer. */
export interface Rows {
  texts: readonly string[]
  pairs: readonly (string | null)[] | null
  labels: ArrayLike<number> | null
  targets: ArrayLike<number> | null
}

export interface CompareRules {
  problemType: ProblemType
  classes: readonly string[]
  maxLength: number
  batchSize: number
}

export interface Compared {
  logits: Both<Float32Array>
  figures: Both<Figures>
  speeds: Both<Speed>
  change: Change
}

/** A side's texts as a data set. */
export const dataOf = ({ tokenizer }: Pick<Side, 'tokenizer'>, rows: Rows, maxLength: number) =>
  textData(rows.texts, rows.labels, tokenizer, maxLength, { pairs: rows.pairs, targets: rows.targets })

/** The first n texts without labels, for speeds. */
export const firstOf = (rows: Rows, n: number): Rows => ({
  texts: rows.texts.slice(0, n),
  pairs: rows.pairs?.slice(0, n) ?? null,
  ...{ labels: null, targets: null },
})

/** A side ready for measureSpeeds(). */
export const timedSide = (side: Side, rows: Rows, { maxLength, batchSize }: CompareRules): Timed => ({
  model: side.model,
  few: (n) => dataOf(side, firstOf(rows, n), maxLength),
  batchSize,
})

/** What a side says of all rows, and how good that is. */
export async function answersOf(side: Side, rows: Rows, rules: CompareRules, { progress }: Context) {
  const data = dataOf(side, rows, rules.maxLength)
  progress.start(side.name, data.size)
  const logits = await predictInTurns(side.model, data, {
    batchSize: rules.batchSize,
    onBatch: (done) => progress.update(done, {}),
  })
  progress.finish('')
  return { logits, figures: tasks[rules.problemType].judge(logits, data, rules.classes).figures }
}

/** Both sides on the same rows, their speeds in turn. */
export async function compare(
  { before, after }: Both<Side>,
  rows: Rows,
  rules: CompareRules,
  context: Context,
): Promise<Compared> {
  const was = await answersOf(before, rows, rules, context)
  const is = await answersOf(after, rows, rules, context)
  const speeds = await measureSpeeds(
    new Map([
      ['before', timedSide(before, rows, rules)],
      ['after', timedSide(after, rows, rules)],
    ]),
    context,
  )
  const speed = (name: string) => speeds.get(name) as Speed
  return {
    logits: { before: was.logits, after: is.logits },
    figures: { before: was.figures, after: is.figures },
    speeds: { before: speed('before'), after: speed('after') },
    change: changeOf(rules.problemType, was.logits, is.logits, rules.classes.length),
  }
}

export interface Measured {
  /** What the two are called. */
  names: Both<string>
  /** Of the weights in files. */
  bytes: Both<number>
  /** Where they differ. */
  parameters?: Both<number>
  speeds: Both<Speed> | null
}

/** Sizes and speeds, a row each, and their ratios. */
export function sizeTable({ names, bytes: sizes, parameters, speeds }: Measured): string {
  const row = (of: 'before' | 'after') => {
    const speed = speeds?.[of]
    return [
      names[of],
      ...(parameters ? [count(parameters[of])] : []),
      bytes(sizes[of]),
      ...(speed ? [shownSpeed(speed), count(speed.examplesPerSecond)] : []),
    ]
  }
  const ratio = (pair: Both<number>, digits: number) => (pair.after / pair.before).toFixed(digits)
  const of = (figure: 'msPerExample' | 'examplesPerSecond') =>
    speeds ? [ratio({ before: speeds.before[figure], after: speeds.after[figure] }, 2)] : []
  const titles = [
    'weights',
    ...(parameters ? ['parameters'] : []),
    'size',
    ...(speeds ? ['ms a text alone', 'texts a second'] : []),
  ]
  return renderTable(
    titles.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
    [
      row('before'),
      row('after'),
      [
        `${names.after} / ${names.before}`,
        ...(parameters ? [ratio(parameters, 3)] : []),
        ratio(sizes, 3),
        ...of('msPerExample'),
        ...of('examplesPerSecond'),
      ],
    ],
  )
}
