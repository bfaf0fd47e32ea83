// tinystill distill --recipe embed-...: a sentence encoder's vectors into a smaller model, from plain text or pairs of translations.
import { reducedEncoder } from '../../distill/embedding/components.js'
import { embedFormulas, learnVectors } from '../../distill/embedding/learn.js'
import { learnPairs } from '../../distill/embedding/learn-pairs.js'
import type { EmbedRecipe } from '../../distill/embedding/recipes.js'
import { savedSize } from '../../distill/on-grid.js'
import { DataError, TinystillError } from '../../errors.js'
import { checkKind } from '../../files/models/on-disk.js'
import { type SentenceFolder, sentenceFiles } from '../../files/sentence/sentence-folder.js'
import { selectRows } from '../../nn/data.js'
import { textData } from '../../text/dataset.js'
import type { Embedder } from '../../train/embedding/vectors.js'
import type { FitOptions } from '../../train/trainer.js'
import type { DistillOptions } from '../distill/options.js'
import { type SeedOutcome, type SeedWork, seedsOf, trainSeeds, unitOf } from '../distill/seeds.js'
import type { Context } from '../shared/command.js'
import { place } from '../shared/model-folder.js'
import { dataOptions, flagOf, given, settleBackend } from '../shared/options.js'
import { RunFolder } from '../shared/run-folder.js'
import { count, duration } from '../shared/table.js'
import { watched } from '../shared/training-progress.js'
import { allTexts, embedLength, judgePairs, type PairSet, readPairs } from './data.js'
import { finish, MAIN } from './finish.js'
import type { EmbedJob } from './job.js'
import { addLines, figuresOf, heldSets, type JudgedSets, judged, judgeHeld, tableFor } from './judge.js'
import { studentOf } from './student.js'
import { openTeacher, vectorsOf } from './teacher.js'

/** Options of distill that say nothing of vectors. */
const foreign = [
  ...['generalTeacher', 'labels', 'transfer', 'text', 'augment', 'config', 'T', 'alpha', 'quantizeAware'],
  ...['prune', 'sparsity', 'prunePattern', 'pruneSchedule', 'ablate', 'answers'],
] as const satisfies readonly (keyof DistillOptions)[]

/** Rows that are learnt from: each text once, and of pairs the second text as the first's translation. */
function lessons(recipe: EmbedRecipe, set: PairSet): { read: string[]; taught: string[] } {
  if (!recipe.pairs) {
    const read = allTexts(set)
    return { read, taught: read }
  }
  if (set.pairs === null)
    throw new DataError(
      set.file,
      `has no second texts: ${recipe.name} learns from pairs of a text and its translation`,
    )
  return { read: [...set.texts, ...set.pairs], taught: [...set.texts, ...set.texts] }
}

/** Rows that are enough for components. */
const COMPONENTS = 20_000
const QUICK = 500

export async function distillEmbeddings(
  recipe: EmbedRecipe,
  options: DistillOptions,
  context: Context,
): Promise<void> {
  const { output } = context
  settleBackend(output)
  const strange = foreign.find((name) => options[name] !== undefined && options[name] !== false)
  if (strange !== undefined)
    throw new RangeError(`${flagOf(strange)}: the recipe ${recipe.name} learns vectors, which have none`)
  if (options.teacher.length > 1) throw new RangeError(`--teacher: the recipe ${recipe.name} takes one`)
  const still = recipe.student === 'teacher'
  if (still !== (options.dim !== undefined))
    throw new RangeError(
      `--dim: how many numbers embed-pca keeps; ${recipe.name} ${still ? 'needs it' : 'does not take it'}`,
    )
  if (still && options.seeds > 1)
    throw new RangeError(`--seeds: ${recipe.name} draws nothing, with each seed it would be the same`)
  const reading = dataOptions(options, output)
  const [folder] = options.teacher
  const teacher = openTeacher(folder, options.maxLength, context)
  for (const note of teacher.loaded?.notes ?? []) output.info(`note: ${note}`)
  const all = readPairs(options.train, { ...reading, labelUse: 'unused' })
  const set = options.quick
    ? { ...all, texts: all.texts.slice(0, QUICK), pairs: all.pairs?.slice(0, QUICK) ?? null }
    : all
  const held = (file: string | undefined) => (file === undefined ? null : readPairs(file, reading))
  const sets = { dev: held(options.dev), test: held(options.test) }
  const job = { recipe, options, teacher, set, sets }
  await (still ? reduce(job, context) : teach(job, context))
}

/** What is trained with a seed: the student by the recipe, and by pairs without the teacher. */
interface Variant {
  label: 'alone' | null
}

interface Outcome extends SeedOutcome {
  own: Embedder
  sets: JudgedSets
}

async function teach(job: EmbedJob, context: Context): Promise<void> {
  const { recipe, options, teacher, set, sets } = job
  const { output, progress } = context
  const make = (seed: number) => studentOf(recipe, { ...options, seed }, teacher, set.texts)
  const student = make(options.seed)
  const { model, tokenizer } = student
  checkKind(options.out, model)
  const maxLength = Math.min(
    options.maxLength ?? teacher.maxLength ?? embedLength(student),
    model.config.maxLength,
  )
  const { read, taught } = lessons(recipe, set)
  const loss = options.loss ?? recipe.loss ?? 'cosine'
  const formula = `loss = ${embedFormulas[loss]}${model.size === teacher.size ? ', P none' : ''}; ${count(read.length)} texts`
  output.info(
    `${student.name}: ${count(model.countParameters())} parameters, vectors of ${model.size} numbers, the teacher's of ${teacher.size}`,
  )
  output.info(formula)
  if (options.baseline && set.pairs === null)
    output.info(
      `--baseline: ${options.train} has no second texts, so that no student can be trained by pairs alone`,
    )
  const { epochs, batchSize, lr, warmup, weightDecay } = recipe.fit
  const length =
    options.steps === undefined
      ? { epochs: options.epochs ?? (options.quick ? 1 : epochs) }
      : { steps: options.steps }
  const pace = {
    lr: options.lr ?? lr,
    batchSize: options.batchSize ?? batchSize,
    warmup: options.warmup ?? warmup,
  }
  const run = folderOf(options, { ...length, ...pace, loss, maxLength }, context)
  if (run.done) return run.leave()
  try {
    const held = await heldSets(job, context)
    const table = tableFor(held)
    await addLines(table, job, held, context)
    const { values } = await vectorsOf(teacher, taught, options.train)
    const { size } = teacher
    const { matryoshka = [] } = options
    const rows = (texts: readonly string[]) => textData(texts, null, tokenizer, maxLength)
    const data = rows(read)
    const sides = options.baseline && set.pairs ? { a: rows(set.texts), b: rows(set.pairs) } : null
    const main: Variant = { label: null }
    const work: SeedWork<Variant, Outcome> = {
      variants: [main, ...(sides ? [{ label: 'alone' } as const] : [])],
      seeds: seedsOf(options),
      lasting: () => true,
      train: async (variant, seed, lasting) => {
        const name = variant.label ?? MAIN
        const { model } = variant === main && seed === options.seed ? student : make(seed)
        const own: Embedder = { model, tokenizer, maxLength }
        const training = `${unitOf(variant, seed)}/distil`
        const label = options.seeds > 1 || sides ? `${name}, seed ${seed}` : 'distilling'
        const { dev } = sets
        const fitting: FitOptions = {
          ...{ ...pace, weightDecay, seed, groups: {}, onNonfinite: options.onNonfinite },
          ...(dev && { evaluate: () => judgePairs(own, dev, null) }),
          ...watched(run, context, { name: training, label, of: { seed, model: name } }),
        }
        const { steps } =
          variant === main
            ? await learnVectors(
                model,
                data,
                { rows: (some) => selectRows(values, size, some), size },
                { loss, matryoshka },
                { ...fitting, ...length },
              )
            : await learnPairs(
                model,
                sides as NonNullable<typeof sides>,
                { scores: set.scores, matryoshka },
                // As many as the student of this seed took.
                { ...fitting, steps: table.get(MAIN)?.at(-1)?.steps as number },
              )
        const seconds = run.state.seconds(training)
        progress.finish(`${label}: trained for ${duration(seconds)}, ${count(steps)} steps`)
        // Of later seeds only what stands in the table.
        const all = await judgeHeld(own, held, lasting)
        const figures = { ...judged(all), ...savedSize(model), seconds, steps }
        return { figures: { [name]: figures }, stages: [{ model }], own, sets: all }
      },
      keep: (variant, { own }) => {
        if (variant === main) place(options.out, filesOf(own, student), output, { run: true })
      },
    }
    const lasted = await trainSeeds(work, table, run.state)
    const alive = new Map(Array.from(lasted, ([{ label }, { own }]) => [label ?? MAIN, own]))
    const kept = lasted.get(main) as Outcome
    await finish(
      { run, job, held, table, alive, figures: figuresOf(held, kept.sets), learnt: formula },
      context,
    )
  } catch (error) {
    run.fail(error)
    throw error
  }
}

const filesOf = (own: Embedder, { prompts }: Pick<SentenceFolder, 'prompts'>) =>
  sentenceFiles({ ...own, prompts })

const folderOf = (options: DistillOptions, more: object, context: Context): RunFolder => {
  const { seed, out, train, dev, test, student, tokenizer } = options
  return new RunFolder(
    out,
    {
      ...{ command: 'distill', seed, options: { ...options, ...more }, data: given({ train, dev, test }) },
      models: given({ student, tokenizer, teacher: options.teacher[0] }),
    },
    context,
    options,
  )
}

/** embed-pca: nothing is trained. */
async function reduce(job: EmbedJob, context: Context): Promise<void> {
  const { recipe, options, teacher, set } = job
  const { loaded } = teacher
  if (loaded === null)
    throw new TinystillError(`${teacher.folder} holds vectors: embed-pca needs the model itself`)
  if (options.baseline)
    context.output.info(
      `--baseline: ${recipe.name} trains nothing, so that no student is trained by pairs alone`,
    )
  const run = folderOf(options, {}, context)
  if (run.done) return run.leave()
  try {
    const texts = allTexts(set).slice(0, COMPONENTS)
    const vectors = { values: await teacher.vectors(texts, options.train), size: teacher.size }
    const model = reducedEncoder(loaded.model, vectors, options.dim as number)
    const own: Embedder = {
      model,
      tokenizer: loaded.tokenizer,
      maxLength: options.maxLength ?? loaded.usualLength,
    }
    place(options.out, filesOf(own, loaded), context.output, { run: true })
    const held = await heldSets(job, context)
    const table = tableFor(held)
    await addLines(table, job, held, context)
    const sets = await judgeHeld(own, held, true)
    table.set(MAIN, [{ ...judged(sets), ...savedSize(model), seconds: 0 }])
    const learnt = `principal components of ${count(texts.length)} texts`
    await finish(
      { run, job, held, table, alive: new Map([[MAIN, own]]), figures: figuresOf(held, sets), learnt },
      context,
    )
  } catch (error) {
    run.fail(error)
    throw error
  }
}
