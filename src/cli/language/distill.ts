// tinystill distill --recipe distilgpt2: what a GPT-2 says of next words into a smaller one, from plain text.
import { randomScope } from '../../autograd/random.js'
import { distilbertLayers, distilbertOf } from '../../distill/from-layers.js'
import { describePlan, formulaOf, type StagePlan } from '../../distill/plan/plan.js'
import { runPlan, type Student } from '../../distill/plan/runner.js'
import type { Recipe } from '../../distill/recipes/recipe.js'
import { DataError, TinystillError } from '../../errors.js'
import { streamTexts } from '../../files/data/texts.js'
import { isFolder } from '../../files/disk.js'
import { checkKind } from '../../files/models/on-disk.js'
import { pretrainedFiles } from '../../files/models/pretrained.js'
import { startModel } from '../../files/models/start.js'
import type { NextWords } from '../../nn/models/heads.js'
import { keyOf } from '../../tensor/rng.js'
import { runningData } from '../../text/corpus.js'
import { trainingLength } from '../../text/encoding.js'
import { nextWordFigures, nextWordTexts } from '../../train/language/next-words.js'
import type { Figures } from '../../train/reports.js'
import type { DistillOptions } from '../distill/options.js'
import type { Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { place } from '../shared/model-folder.js'
import { dataOptions, flagOf, given, settleBackend } from '../shared/options.js'
import { RunFolder } from '../shared/run-folder.js'
import { bytes, count, duration } from '../shared/table.js'
import { watched } from '../shared/training-progress.js'
import { type LanguageFolder, openLanguageModel } from './open.js'

/** Options of distill that say nothing of next words. */
const foreign = [
  ...['generalTeacher', 'labels', 'transfer', 'text', 'augment', 'config', 'alpha', 'quantizeAware'],
  ...['prune', 'sparsity', 'prunePattern', 'pruneSchedule', 'baseline', 'ablate', 'answers'],
  ...['loss', 'matryoshka', 'dim'],
] as const satisfies readonly (keyof DistillOptions)[]

const QUICK = 500

/** Layers of the teacher, or a folder, preset or config.json with the teacher's vocabulary. */
function studentOf(
  { student: source, fromLayers, seed }: DistillOptions,
  { model, tokenizer, folder }: LanguageFolder & { folder: string },
): { name: string; model: NextWords } {
  if (source === undefined) {
    const layers = fromLayers ?? distilbertLayers(model.config.layers)
    const made = distilbertOf(model as unknown as Student, layers, 'causal-lm', model.config.labels)
    return { name: `layers ${layers.join(', ')} of the teacher`, model: made as unknown as NextWords }
  }
  const started = randomScope(keyOf(seed, 'init', 0), () =>
    startModel(source, {
      ...{ as: 'causal-lm', labels: model.config.labels, texts: [] },
      tokenizer: isFolder(source) ? undefined : folder,
    }),
  )
  if (String(started.tokenizer.vocabulary) !== String(tokenizer.vocabulary))
    throw new TinystillError(
      `${source} has other words than the teacher, and is to learn what that says of each`,
      'Take a student with the same tokenizer, or layers of the teacher: --from-layers',
    )
  return { name: source, model: started.model as unknown as NextWords }
}

export async function distillLanguage(
  recipe: Recipe,
  options: DistillOptions,
  context: Context,
): Promise<void> {
  const { output, progress } = context
  settleBackend(output)
  const strange = foreign.find((name) => options[name] !== undefined && options[name] !== false)
  if (strange !== undefined)
    throw new RangeError(`${flagOf(strange)}: the recipe ${recipe.name} learns next words, which have none`)
  if (options.teacher.length > 1 || options.seeds > 1)
    throw new RangeError(
      `${options.seeds > 1 ? '--seeds' : '--teacher'}: the recipe ${recipe.name} takes one`,
    )
  const { seed, out, train, dev, test, tokenizer } = options
  const [folder] = options.teacher
  const teacher = { folder, ...openLanguageModel(folder, output) }
  for (const p of teacher.model.parameters()) p.requiresGrad = false
  const { name, model } = studentOf(options, teacher)
  checkKind(out, model)
  const most = Math.min(model.config.maxLength, teacher.model.config.maxLength)
  const maxLength = Math.min(options.maxLength ?? trainingLength([teacher.tokenizer], most), most)
  const read = (file: string) => {
    const rows = streamTexts(file, { ...dataOptions(options, output), labelUse: 'unused' })
    const texts = Array.from(rows, ({ text }) => text).slice(0, options.quick ? QUICK : undefined)
    const data = runningData(texts, teacher.tokenizer, { maxLength })
    if (data.size === 0) throw new DataError(file, 'has no two words that follow each other')
    return data
  }
  const data = read(train)
  const sets = Object.entries(given({ dev, test })).map(([use, file]) => [use, read(file as string)] as const)

  const planned = recipe.plan(
    { ...(options.T !== undefined && { T: options.T }) },
    occasion(data.size),
    '--recipe',
  )
  const [first] = planned.stages
  const { epochs, steps, batchSize, lr, warmup } = options
  const pace = {
    ...(batchSize !== undefined && { batchSize }),
    ...(lr !== undefined && { lr }),
    ...(warmup !== undefined && { warmup }),
    ...(steps !== undefined && { steps }),
    ...((epochs ?? options.quick) && { epochs: epochs ?? 1 }),
  }
  const stage: StagePlan = { ...first, fit: { ...first.fit, ...pace } }
  const plan = { stages: [stage] }
  output.info(
    `${name}: ${count(model.countParameters())} parameters, the teacher ${count(teacher.model.countParameters())}`,
  )
  output.info(describePlan(plan))
  output.info(`${train}: ${count(data.size)} rows of ${maxLength} tokens`)
  const run = new RunFolder(
    out,
    {
      ...{ command: 'distill', seed, options: { ...options, ...stage.fit, maxLength } },
      ...{
        data: given({ train, dev, test }),
        models: given({ student: options.student, tokenizer, teacher: folder }),
      },
    },
    context,
    options,
  )
  if (run.done) return run.leave()
  try {
    const held = sets.find(([use]) => use === 'dev')?.[1]
    const [{ result }] = await runPlan(plan, {
      ...{ seed, general: null, teacher: teacher.model as unknown as Student },
      data: () => data,
      masked: () => nextWordTexts(data),
      student: () => model as unknown as Student,
      teacherLogits: () => {
        throw new TinystillError(`${recipe.name}: next words need the teacher beside the student`)
      },
      watch: () => ({
        ...watched(run, context, { name: 'distil', label: 'distilling' }),
        onNonfinite: options.onNonfinite,
        ...(held && { evaluate: () => nextWordFigures(model, held), metric: 'loss' }),
      }),
    })
    progress.finish(`trained for ${duration(run.seconds)}, ${count(result.steps)} steps`)
    place(out, pretrainedFiles({ model, tokenizer: teacher.tokenizer, maxLength }), output, { run: true })
    const figures: Record<string, Figures> = {}
    for (const [use, set] of sets) {
      figures[use] = await nextWordFigures(model, set)
      figures[`${use}, teacher`] = await nextWordFigures(teacher.model, set)
    }
    const size = { params: model.countParameters(), bytes: bytesOfFolder(out) }
    const { source, describe } = recipe
    run.finish({
      ...{ figures, more: { ...size, recipe: { name: recipe.name, source }, loss: formulaOf(stage) } },
      report: { title: `${out}: ${recipe.name}`, intro: `${describe}.` },
    })
    if (sets.length > 0) output.print(figureTable(figures))
    output.print(
      `${out}: ${count(size.params)} parameters, ${bytes(size.bytes)}; Python's transformers loads it`,
    )
    const main = figures.test ?? figures.dev ?? {}
    output.json({ ...main, ...figures, ...size, recipe: recipe.name, seconds: run.seconds, seed, out })
  } catch (error) {
    run.fail(error)
    throw error
  }
}

const occasion = (rows: number) => ({
  transfer: false,
  labelled: 0,
  transferRows: rows,
  pretrained: true,
  text: true,
})
