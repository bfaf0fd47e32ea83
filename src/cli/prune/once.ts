// Pruning without training: the smallest weights go at once, and what that does to the answers.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint } from '../../distill/doctor.js'
import type { StagePruning } from '../../distill/plan/pruning.js'
import { describePruning } from '../../distill/plan/pruning.js'
import { CheckpointError } from '../../errors.js'
import type { FileContent } from '../../files/disk.js'
import { readFields } from '../../files/json-file.js'
import { checkNoRun } from '../../files/model-place.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { loadClassifier } from '../../files/models/on-disk.js'
import { pruneMethods } from '../../nn/prune/methods.js'
import { Pruner, pruneAware, type Sparsity, settlePruned, sparsityOf } from '../../nn/prune/prepare.js'
import { type CardRecord, modelCard } from '../../report/model-card.js'
import { type Report, renderReport } from '../../report/report.js'
import type { Figures } from '../../train/reports.js'
import { commandOf } from '../distill/job.js'
import { type Change, changeLine, changeOf } from '../shared/change.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { answersOf, dataOf } from '../shared/compare.js'
import { tellRows } from '../shared/data-report.js'
import { figureTable, shownFigure } from '../shared/figures.js'
import { readFor } from '../shared/labels-option.js'
import { openModel, place, readBack } from '../shared/model-folder.js'
import { dataOptions, given } from '../shared/options.js'
import { beginningOf, hashedData, type RunFacts, shownFacts } from '../shared/run-folder.js'
import { checkSameRun, identityOf } from '../shared/run-identity.js'
import { count, percent } from '../shared/table.js'
import type { PruneOptions } from './options.js'

/** Asks a model for its answers to a file's texts. */
interface Judged {
  /** dev or test. */
  on: 'dev' | 'test'
  figures: Record<'before' | 'after', Figures>
  change: Change
}

/** What a file's texts are answered before and after `prune`, which changes the model. */
async function judged(
  { dev, test, labels: listed, maxLength: asked, batchSize = 64, ...options }: PruneOptions & CommonOptions,
  folder: TextClassifierFolder,
  prune: () => void,
  context: Context,
): Promise<Judged> {
  const { output } = context
  const [on, file] = test === undefined ? (['dev', dev as string] as const) : (['test', test] as const)
  const { model, tokenizer, classes, problemType } = folder
  const maxLength = Math.min(asked ?? folder.usualLength, folder.maxLength)
  const set = readFor(file, folder, listed, dataOptions(options, output), output)
  const side = { model, tokenizer, folder: options.model }
  tellRows(output, side, { ...set, file }, dataOf(side, set, maxLength), maxLength)
  const rules = { problemType, classes, maxLength, batchSize }
  const before = await answersOf({ ...side, name: 'before' }, set, rules, context)
  prune()
  const after = await answersOf({ ...side, name: 'after' }, set, rules, context)
  return {
    on,
    figures: { before: before.figures, after: after.figures },
    change: changeOf(problemType, before.logits, after.logits, classes.length),
  }
}

/** Throws RangeError for a method that is a way of training. */
function requireOnce({ method }: StagePruning): void {
  const { by, ...more } = pruneMethods[method]
  if (by === 'size' && !('rounds' in more)) return
  const why = by === 'scores' ? 'learns its scores while the model is trained' : 'is a row of trainings'
  throw new RangeError(`--method ${method} ${why}: give --train, and --epochs of 1 or more`)
}

/** Prunes a folder's model at once, and writes it with its run.json, report and card. */
export async function pruneOnce(
  options: PruneOptions & CommonOptions,
  pruning: StagePruning,
  context: Context,
): Promise<void> {
  requireOnce(pruning)
  const { model: folder, out, dev, test, seed } = options
  const { output, now } = context
  const opened = openModel(folder)
  for (const note of opened.notes) output.info(`note: ${note}`)
  const { model } = opened
  const prune = () => {
    const { method, sparsity, scoreLr: _, rewind: __, ...rest } = pruning
    pruneAware(model, method, { ...rest, ...(sparsity !== null && { sparsity }) })
    new Pruner(model, pruning).update(1, 1)
    settlePruned(model)
  }
  const facts: RunFacts = {
    ...{ command: 'prune', seed, options: { ...options } },
    ...{ data: given({ dev, test }), models: { model: folder } },
  }
  const data = hashedData(facts)
  const identity = identityOf({ ...facts, data, models: { model: folder } })
  const record = join(out, 'run.json')
  const before = options.resume && existsSync(record) ? readFields(record) : null
  if (before?.get('status') === 'done') {
    checkSameRun(record, before.get('identity'), identity)
    output.print(`${out}: this run is done`)
    output.json({ status: 'done', out })
    return
  }
  checkNoRun(out)
  const began = now()
  const own = dev !== undefined || test !== undefined ? loadClassifier(folder) : null
  // What is judged is what is pruned and written.
  const result =
    own === null
      ? null
      : await judged(options, { ...own, model: model as TextClassifierFolder['model'] }, prune, context)
  if (result === null) prune()
  const written = { ...beginningOf(facts, data, identity), status: 'done', seconds: (now() - began) / 1000 }
  const made: Made = { options, pruning, sparsity: sparsityOf(model), result, classes: own?.classes ?? [] }
  const check = (staged: string) =>
    readBack(staged, (read) => {
      if (fingerprint(read) !== fingerprint(model))
        throw new CheckpointError(
          out,
          'does not hold what was written',
          'Is the disk sound? Write to another one',
        )
    })
  const records = recordsOf(made, written, shownFacts(facts, data, written.seconds))
  place(out, [...records, ...opened.files()], output, { check })
  tell(made, context)
}

interface Made {
  options: PruneOptions & CommonOptions
  pruning: StagePruning
  sparsity: Sparsity
  result: Judged | null
  classes: readonly string[]
}

/** run.json, the report and the card. */
function recordsOf(
  { options, pruning, sparsity, result, classes }: Made,
  begun: Record<string, unknown>,
  facts: Report['facts'],
): FileContent[] {
  const { model: folder, out } = options
  const names = Object.keys(result?.figures.before ?? {})
  const columns = ['', ...names]
  const rows = (['before', 'after'] as const).map((of) => [
    of,
    ...names.map((n) => result?.figures[of][n] ?? Number.NaN),
  ])
  const plan = `pruned: ${describePruning(pruning)}`
  const { describe, source } = pruneMethods[pruning.method]
  const intro = `${folder}, of which ${percent(sparsity.zeros / Math.max(1, sparsity.weights), 2)} of the weights in the layers' matrices are 0: ${describe}.`
  const record = {
    ...begun,
    pruning: { ...pruning, ...sparsity },
    ...(result && { before: result.figures.before, change: result.change }),
    figures: result === null ? {} : { [result.on]: result.figures.after },
  }
  const page = renderReport({
    ...{ title: out, intro, facts, charts: [] },
    table: result === null ? { columns: ['no set to judge on'], rows: [] } : { columns, rows },
    sections: [
      { title: 'What was pruned', text: plan },
      {
        title: 'Matrix by matrix',
        table: { columns: ['matrix', 'zeros'], rows: Object.entries(sparsity.matrices) },
      },
    ],
  })
  const card = modelCard({
    ...(record as typeof record &
      Pick<CardRecord, 'tinystill' | 'node' | 'platform' | 'seed' | 'data' | 'seconds'>),
    ...{ recipe: { name: 'prune', source }, teachers: [folder], student: folder },
    ...{ classes, plan, problems: [], judgedOn: result?.on ?? 'no', verdicts: [], columns },
    rows: rows.map(([of, ...own]) => [String(of), ...own.map((x, i) => shownFigure(names[i], Number(x)))]),
    command: commandOf('prune', options),
  })
  return [
    ['run.json', `${JSON.stringify(record, null, 2)}\n`],
    ['report.html', page],
    ['README.md', card],
  ]
}

function tell({ options, pruning, sparsity, result }: Made, { output }: Context): void {
  const { model: folder, out } = options
  const { zeros, weights } = sparsity
  if (result !== null) output.print(`${figureTable(result.figures)}\n\n${changeLine(result.change)}`)
  output.print(`${out}: ${count(zeros)} of ${count(weights)} weights are 0`)
  output.json({
    ...{ model: folder, out, method: pruning.method, zeros, weights, sparsity: zeros / weights },
    ...(result && { figures: result.figures, change: result.change }),
  })
}
