// tinystill export-training: a distillation as a folder that PyTorch trains, on more machines than this one.
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import {
  handedStages,
  requireHandable,
  type StageRecord,
  stageRecord,
  studentFolder,
} from '../../distill/plan/handover.js'
import { describePlan, type StageData, studentStage, temperatureOf } from '../../distill/plan/plan.js'
import { CheckpointError, TinystillError } from '../../errors.js'
import { makeFolder, publishFolder, readText, writeAtomic, writeFolder } from '../../files/disk.js'
import { hashFile, hashFiles } from '../../files/hash.js'
import { KeptLogits, sharedLogits } from '../../files/kept-logits.js'
import { writePretrained } from '../../files/models/on-disk.js'
import { tasks } from '../../train/tasks.js'
import { VERSION } from '../../version.js'
import { teacherLogits } from '../distill/bench.js'
import { check } from '../distill/check.js'
import type { SetName } from '../distill/data.js'
import { type Checked, readJob } from '../distill/job.js'
import { type DistillOptions, distillOptions } from '../distill/options.js'
import { closeTeachers } from '../distill/teachers.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { flagOf, settleBackend } from '../shared/options.js'
import { count } from '../shared/table.js'
import { rowFiles, textsOf } from './rows.js'
import { factsOf, type Said, textTaskOf, writeTeacherCache } from './teacher-cache.js'

type ExportOptions = DistillOptions & { to: 'pytorch' }

export const TRAINING_FORMAT = 'tinystill-training'
const VERSION_OF_FORMAT = 1

/** What trains it, beside src and dist in the package. */
const PROGRAMS = new URL('../../../python/', import.meta.url)
const programs = ['train.py', 'rows.py', 'losses.py', 'batches.py', 'tinystill_cache.py', 'label.py']

/** What belongs to training here. */
function refuseOptions(options: ExportOptions): void {
  const asked = (['baseline', 'ablate', 'resume'] as const).find((name) => options[name])
  const name = asked ?? (options.seeds > 1 ? 'seeds' : undefined)
  if (name !== undefined)
    throw new RangeError(
      `${flagOf(name)} is of trainings here: export-training writes one training, with --seed; tinystill distill takes ${flagOf(name)}`,
    )
}

function requireNew(out: string): void {
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new CheckpointError(out, 'is there already', 'Choose another folder, or remove this one')
}

/** What the given teachers say of the rows of each kind that stages learn from them. */
async function heard(job: Checked, context: Context): Promise<Said[]> {
  const { plan, data, sources } = job
  const taught = handedStages(plan).filter(
    (stage) => stage.teacher === 'given' || stage.teacher === 'general',
  )
  const temperatures = new Set(taught.map(temperatureOf))
  if (sources.teachers.length > 1 && temperatures.size > 1)
    throw new TinystillError(
      `the recipe ${plan.recipe} cannot be handed over: its stages soften several teachers at ${[...temperatures].join(' and ')}`,
    )
  const { answers: folder } = job.output.state
  const answers =
    folder === undefined
      ? new KeptLogits('', { read: false, write: false, warn: () => {} })
      : sharedLogits(folder, (line) => context.output.info(`warning: ${line}`))
  const ask = teacherLogits(job, { answers }, context)
  const said: Said[] = []
  for (const kind of new Set(taught.map((stage) => stage.data)))
    said.push({ kind, rows: textsOf(data.reader, kind), logits: await ask(kind, [...temperatures][0]) })
  return said
}

/** Writes everything but plan.json. Gives what that needs to know, and how many rows the cache has. */
function writeParts(
  folder: string,
  job: Checked,
  said: readonly Said[],
): { rows: number; stages: StageRecord[] } {
  const { plan, data, sources, pupil } = job
  const { reader } = data
  const handed = handedStages(plan)
  const dev: SetName[] = reader.held('dev') === null ? [] : ['dev']
  for (const set of new Set<SetName>([...handed.map((stage) => stage.data), ...dev])) {
    const own = set === 'dev' ? reader.held(set) : reader.stage(set as StageData)
    if (own !== null) writeFolder(join(folder, 'data'), rowFiles(set, own, textsOf(reader, set)))
  }
  const starts = [...new Set(handed.map((stage) => stage.start))].filter((start) => typeof start === 'number')
  const stages: StageRecord[] = []
  for (const start of starts) {
    const { model, tokenizer } = sources.student.make(job.training.seeds[0], start, handed[0].task)
    writePretrained(join(folder, studentFolder(start)), { model, tokenizer, maxLength: pupil.maxLength })
    // Their parameters have the same names.
    if (stages.length === 0) stages.push(...handed.map((stage) => stageRecord(stage, model)))
    for (const p of model.parameters()) p.dispose()
  }
  const files = said.map(({ kind }) => join(folder, 'data', `${kind}.jsonl`))
  const names = said.map(({ kind }) => `data/${kind}.jsonl`).join(',')
  const facts = { data: { file: names, ...hashFiles(files) }, maxLength: pupil.maxLength }
  const rows = said.length > 0 ? writeTeacherCache(join(folder, 'cache'), sources.teachers, said, facts) : 0
  for (const name of programs)
    writeAtomic(join(folder, name), readText(fileURLToPath(new URL(name, PROGRAMS))))
  return { rows, stages }
}

/** Of all files but the cache's, which has hashes of its own, and the programs. */
function hashesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'cache')
    .flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`))
  return Object.fromEntries(names.sort().map((name) => [name, hashFile(join(folder, name)).sha256]))
}

async function exportTraining(options: ExportOptions, context: Context): Promise<void> {
  const { output } = context
  const { out } = options
  refuseOptions(options)
  requireNew(out)
  settleBackend(output)
  const job = readJob(options, output, { command: 'export-training', options, models: {} })
  const { teachers, general } = job.sources
  try {
    textTaskOf(teachers)
    requireHandable(job.plan, general !== null)
    const checked = await check(job, context)
    const said = await heard(checked, context)
    // Aside, and named when it is whole.
    const folder = join(dirname(resolve(out)), `.tinystill-${randomBytes(8).toString('hex')}.tmp`)
    try {
      makeFolder(folder)
      const { rows, stages } = writeParts(folder, checked, said)
      writePlan(folder, checked, stages)
      if (!publishFolder(folder, out)) requireNew(out)
      tellExported(options, checked, rows, context)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  } finally {
    closeTeachers(teachers)
  }
}

function writePlan(
  folder: string,
  { plan, sources, pupil, recipe, training, output }: Checked,
  stages: readonly StageRecord[],
): void {
  const [{ classes }] = sources.teachers
  const task = tasks[textTaskOf(sources.teachers)]
  const { folder: teacher, ...facts } = factsOf(sources.teachers)
  const document = {
    ...{ format: TRAINING_FORMAT, version: VERSION_OF_FORMAT, tinystill: VERSION, command: output.repeat },
    recipe: { name: recipe.name, source: recipe.source },
    description: describePlan({ stages: handedStages(plan) }),
    ...{ seed: training.seeds[0], task: task.labels, labels: classes },
    metric: task.metrics[0],
    teacher: { folder: teacher, weights: facts.weights, config: facts.config },
    ...{ padId: pupil.tokenizer.padId, maxLength: pupil.maxLength },
    ...{ stages, result: studentStage(plan).name, files: hashesIn(folder) },
  }
  writeAtomic(join(folder, 'plan.json'), `${JSON.stringify(document, null, 1)}\n`)
}

function tellExported({ out }: ExportOptions, job: Checked, rows: number, { output }: Context): void {
  const { plan, pupil } = job
  const { dropout: own, attentionDropout, headDropout } = pupil.model.config
  const dropout = Math.max(own, attentionDropout, headDropout ?? 0)
  if (dropout > 0)
    output.info(
      `what dropout (${dropout}) drops is drawn by PyTorch: the recipe is the same, its numbers are others than here; train.py --dropout 0 leaves it out`,
    )
  const left = plan.stages.filter(({ role }) => role !== 'student').map(({ name }) => name)
  if (left.length > 0) output.info(`not exported, trained here to be compared with: ${left.join(', ')}`)
  if (plan.ensemble.length > 0) output.info('models are judged together here alone')
  output.print(`${out}: the student, ${count(rows)} rows of the teacher's logits, the plan and train.py`)
  output.print(`python3 ${join(out, 'train.py')}, or torchrun --nproc-per-node 2, or accelerate launch`)
  output.json({ out, rows, stages: handedStages(plan).map(({ name }) => name), seed: job.training.seeds[0] })
}

export const exportTrainingCommand: CommandSpec<ExportOptions> = {
  name: 'export-training',
  describe:
    "A distillation as a folder that PyTorch trains on many machines: distill's own options, and nothing is trained here",
  options: (command: Command) =>
    distillOptions(command).addOption(
      new Option('--to <name>', 'what is to train it').choices(['pytorch']).default('pytorch'),
    ),
  run: exportTraining,
}
