// What the demo tells: the table, the verdict over seeds, dark knowledge, and the files of the run.
import { join } from 'node:path'
import { judgeGain, mean, spread, type Verdict } from '../../distill/verdict.js'
import { verdictMethod, verdictText } from '../../distill/verdict-text.js'
import { writeAtomic } from '../../files/disk.js'
import type { TextModel } from '../../files/models/folder.js'
import { type Sample, telling } from '../../report/insights/soft-targets.js'
import { type Report, renderReport } from '../../report/report.js'
import { best, type Metrics, probabilities } from '../../train/metrics.js'
import type { EpochReport } from '../../train/reports.js'
import { VERSION } from '../../version.js'
import type { Output } from '../shared/output.js'
import { type Speed, shownSpeed } from '../shared/speed.js'
import { bytes, count, duration, percent, renderTable } from '../shared/table.js'

export interface ModelFigures extends Pick<Metrics, 'accuracy' | 'f1' | 'loss'>, Speed {
  params: number
  bytes: number
  /** Of training. */
  seconds: number
}

type Role = 'teacher' | 'alone' | 'distilled'

/** With the test definitions that it is right on: 1 or 0 for each. */
export type JudgedFigures = ModelFigures & { right: Uint8Array }

export interface DemoRun extends Record<Role, JudgedFigures> {
  seed: number
  majority: ModelFigures
  student: TextModel
  /** Losses of all steps, and the epochs; of the teacher's first member. */
  curves: Partial<Record<Role, { steps: number[]; epochs: EpochReport[] }>>
  /** Test definitions with the teacher's logits. */
  samples: Sample[]
}

export interface DemoFacts {
  size: string
  seconds: number
  classes: readonly string[]
  plan: unknown
  T: number
}

const names: Record<Role | 'majority', string> = {
  teacher: 'teacher, an ensemble',
  alone: 'student alone',
  distilled: 'student distilled',
  majority: 'majority class',
}
const roles = Object.keys(names) as (keyof typeof names)[]

/** Always the commonest label of the training data. */
export function majority(train: Int32Array, test: Int32Array, classes: number): ModelFigures {
  const counts = new Float64Array(classes)
  for (const label of train) counts[label]++
  const guess = best(counts, 0, classes)
  const right = test.filter((label) => label === guess).length
  const present = new Set([...test, guess]).size
  return {
    accuracy: right / test.length,
    f1: (2 * right) / (right + test.length - right + right) / present,
    loss:
      test.reduce((sum, label) => sum - Math.log2(counts[label] / train.length) * Math.LN2, 0) / test.length,
    ...{ params: 0, bytes: 0, seconds: 0 },
    ...{ msPerExample: 0, msSpread: 0, examplesPerSecond: 0, examplesSpread: 0, speedRounds: 0 },
  }
}

/** Whether distilling gained more than chance gives, over the seeds and the test definitions. */
export function judgeDemo(runs: readonly Pick<DemoRun, 'distilled' | 'alone'>[]): Verdict & { text: string } {
  const verdict = judgeGain(
    runs.map((r) => r.distilled.right),
    runs.map((r) => r.alone.right),
  )
  const method = verdictMethod([verdict])
  const text = `${verdictText('the distilled student', 'the lone one', verdict)}.${method === null ? '' : ` ${method}`}`
  return { ...verdict, text: `${text[0].toUpperCase()}${text.slice(1)}` }
}

function publicFigures(f: ModelFigures): ModelFigures {
  const { accuracy, f1, loss, params, bytes: size, seconds } = f
  const { msPerExample, msSpread, examplesPerSecond, examplesSpread, speedRounds } = f
  const speed = { msPerExample, msSpread, examplesPerSecond, examplesSpread, speedRounds }
  return { accuracy, f1, loss, params, bytes: size, ...speed, seconds }
}

/** Mean over the seeds, field by field. */
function average(runs: readonly DemoRun[], role: Role | 'majority'): ModelFigures {
  const all = runs.map((r) => publicFigures(r[role]))
  const keys = Object.keys(all[0]) as (keyof ModelFigures)[]
  return Object.fromEntries(keys.map((k) => [k, mean(all.map((f) => f[k]))])) as unknown as ModelFigures
}

function figureRow(runs: readonly DemoRun[], role: Role | 'majority'): string[] {
  const f = average(runs, role)
  const none = role === 'majority'
  const scatter = runs.length > 1 ? ` ±${(spread(runs.map((r) => r[role].accuracy)) * 100).toFixed(2)}` : ''
  return [
    names[role],
    `${percent(f.accuracy, 2)}${none ? '' : scatter}`,
    percent(f.f1, 2),
    none ? '' : count(f.params),
    none ? '' : bytes(f.bytes),
    none ? '' : shownSpeed(f),
  ]
}

const columns = ['', 'accuracy', 'macro F1', 'parameters', 'size', 'ms a definition']

const TOP = 4

function darkKnowledge(run: DemoRun, classes: readonly string[]) {
  return telling(run.samples, classes.length, 4).map(({ text, logits }) => {
    const at = [1, 4].map((T) => ({ T, p: probabilities(logits, 0, classes.length, T) }))
    const order = [...classes.keys()].sort((a, b) => at[0].p[b] - at[0].p[a]).slice(0, TOP)
    return {
      text,
      items: order.map((c) => ({ name: classes[c], at: at.map(({ T, p }) => ({ T, p: p[c] })) })),
    }
  })
}

/** Prints the result and returns the JSON document. */
export function presentDemo(runs: readonly DemoRun[], facts: DemoFacts, output: Output) {
  output.print('')
  output.print(
    renderTable(
      columns.map((title, i) => ({ title, align: i === 0 ? 'left' : 'right' })),
      roles.map((role) => figureRow(runs, role)),
    ),
  )
  const gains = runs.map((r) => r.distilled.accuracy - r.alone.accuracy)
  const lead = mean(runs.map((r) => r.teacher.accuracy - r.alone.accuracy))
  const recovered = lead > 0 ? mean(gains) / lead : Number.NaN
  output.print(
    `\n${lead > 0 ? `Distillation recovered ${percent(recovered, 0)} of the teacher's lead over the lone student.` : 'The lone student is as good as the teacher: there was no lead to recover.'}`,
  )
  const { text: verdict, ...judgement } = judgeDemo(runs)
  output.print(verdict)
  output.print('\nDark knowledge: what the teacher thinks of a definition, at T = 1 and softened at T = 4')
  for (const { text, items } of darkKnowledge(runs[0], facts.classes)) {
    output.print(`\n  "${text}"`)
    for (const T of [1, 4]) {
      const line = items
        .map(({ name, at }) => `${name} ${percent(at.find((x) => x.T === T)?.p ?? 0)}`)
        .join('  ')
      output.print(`    T = ${T}  ${line}`)
    }
  }
  return {
    ...Object.fromEntries(roles.map((role) => [role, average(runs, role)])),
    recovered: Number.isFinite(recovered) ? recovered : null,
    seconds: facts.seconds,
    seed: runs[0].seed,
    ...{ verdict, judgement },
    ...(runs.length > 1 && {
      seeds: runs.map((r) => ({
        seed: r.seed,
        ...Object.fromEntries(roles.map((role) => [role, publicFigures(r[role])])),
      })),
    }),
  }
}

/** The running mean of losses over `over` steps, thinned to what a chart shows. */
function curve(steps: readonly number[], over = 50): [number, number][] {
  const every = Math.max(1, Math.floor(steps.length / 200))
  const points: [number, number][] = []
  for (let i = every - 1; i < steps.length; i += every)
    points.push([i + 1, mean(steps.slice(Math.max(0, i + 1 - over), i + 1))])
  return points
}

function reportOf(runs: readonly DemoRun[], document: { verdict: string }, facts: DemoFacts): Report {
  const [run] = runs
  const learners = (['teacher', 'alone', 'distilled'] as const).filter((role) => run.curves[role])
  const lines = (points: (role: Role) => [number, number][]) =>
    learners.map((role) => ({ name: role === 'teacher' ? 'one teacher' : names[role], points: points(role) }))
  return {
    title: 'A teacher distilled into a student',
    intro: `WordNet noun definitions, ${facts.classes.length} classes. ${document.verdict}`,
    table: { columns, rows: roles.map((role) => figureRow(runs, role)) },
    charts: [
      {
        ...{ title: 'Dev accuracy after each epoch', xLabel: 'epoch', yLabel: 'accuracy, %' },
        series: lines((role) => (run.curves[role]?.epochs ?? []).map((e) => [e.epoch, e.score * 100])),
      },
      {
        ...{ title: 'Training loss, mean over 50 steps', xLabel: 'step', yLabel: 'loss' },
        series: lines((role) => curve(run.curves[role]?.steps ?? [])),
      },
    ],
    sections: [
      {
        title: 'Dark knowledge',
        text: 'What the teacher thinks of test definitions, at T = 1 and softened at T = 4. The student learns from the softened ones.',
      },
      ...darkKnowledge(run, facts.classes).map(({ text, items }) => ({
        title: text,
        bars: {
          label: 'Probability of the likeliest classes',
          items: items.map(({ name, at }) => ({
            name,
            groups: at.map(({ T, p }) => ({ name: `T = ${T}`, value: p })),
          })),
        },
      })),
    ],
    facts: [
      ['settings', `${facts.size}: ${JSON.stringify(facts.plan)}`],
      ['temperature', String(facts.T)],
      ['seeds', runs.map((r) => r.seed).join(', ')],
      ['time', duration(facts.seconds)],
      ['tinystill', VERSION],
      ['data', 'WordNet 3.1, Princeton University'],
    ],
  }
}

/** run.json, metrics.jsonl and report.html. */
export function saveDemo(
  folder: string,
  runs: readonly DemoRun[],
  document: ReturnType<typeof presentDemo>,
  facts: DemoFacts,
): void {
  const metrics = runs.flatMap((run) =>
    (['teacher', 'alone', 'distilled'] as const).flatMap((role) =>
      (run.curves[role]?.epochs ?? []).map((e) => JSON.stringify({ seed: run.seed, model: role, ...e })),
    ),
  )
  const record = { tinystill: VERSION, size: facts.size, plan: facts.plan, T: facts.T, ...document }
  writeAtomic(join(folder, 'metrics.jsonl'), `${metrics.join('\n')}\n`)
  writeAtomic(join(folder, 'run.json'), `${JSON.stringify(record, null, 2)}\n`)
  writeAtomic(join(folder, 'report.html'), renderReport(reportOf(runs, document, facts)))
}
