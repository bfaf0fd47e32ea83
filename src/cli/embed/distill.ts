// tinystill distill --recipe embed-...: a sentence encoder's vectors into a smaller model, from plain text or pairs of translations.
import { randomScope } from '../../autograd/random.js'
import { reducedEncoder } from '../../distill/embedding/components.js'
import { embedFormulas, learnVectors } from '../../distill/embedding/learn.js'
import { type EmbedRecipe, everyThird } from '../../distill/embedding/recipes.js'
import { embeddingsOf } from '../../distill/from-embeddings.js'
import { sentenceFromLayers } from '../../distill/from-layers.js'
import type { Student } from '../../distill/plan/runner.js'
import { DataError, TinystillError } from '../../errors.js'
import { isCache } from '../../files/cache/manifest.js'
import { openCache } from '../../files/cache/reader.js'
import { isFolder } from '../../files/disk.js'
import { checkKind } from '../../files/models/on-disk.js'
import { startModel } from '../../files/models/start.js'
import {
  isSentenceFolder,
  loadSentenceEncoder,
  type SentenceFolder,
  sentenceFiles,
} from '../../files/sentence/sentence-folder.js'
import { selectRows } from '../../nn/data.js'
import { Normalize, SentenceEncoder } from '../../nn/models/sentence.js'
import type { Transformer } from '../../nn/models/transformer.js'
import { keyOf } from '../../tensor/rng.js'
import { textData } from '../../text/dataset.js'
import { type Embedder, embed, type Vectors } from '../../train/embedding/vectors.js'
import type { Figures } from '../../train/reports.js'
import type { DistillOptions } from '../distill/options.js'
import type { Context } from '../shared/command.js'
import { bytesOfFolder, figureTable } from '../shared/figures.js'
import { place } from '../shared/model-folder.js'
import { dataOptions, flagOf, given, settleBackend } from '../shared/options.js'
import { RunFolder } from '../shared/run-folder.js'
import { measureSpeeds, shownSpeed } from '../shared/speed.js'
import { bytes, count, duration } from '../shared/table.js'
import { watched } from '../shared/training-progress.js'
import { allTexts, embedLength, judgePairs, neighbourTexts, type PairSet, readPairs } from './data.js'

/** Options of distill that say nothing of vectors. */
const foreign = [
  ...['generalTeacher', 'labels', 'transfer', 'text', 'augment', 'config', 'T', 'alpha', 'quantizeAware'],
  ...['prune', 'sparsity', 'prunePattern', 'pruneSchedule', 'baseline', 'ablate', 'answers'],
] as const satisfies readonly (keyof DistillOptions)[]

/** What teaches: a model, or a cache of its vectors. */
interface VectorTeacher {
  folder: string
  /** null: a cache. */
  loaded: SentenceFolder | null
  size: number
  /** Tokens that it read of a text; null: as many as the student. */
  maxLength: number | null
  vectors(texts: readonly string[], file: string): Promise<Float32Array>
}

function openTeacher(folder: string, maxLength: number | undefined, { progress }: Context): VectorTeacher {
  if (isCache(folder)) {
    const cache = openCache(folder)
    return {
      ...{ folder, loaded: null, size: cache.vectorSize, maxLength: cache.manifest.settings.maxLength },
      vectors: async (texts, file) => cache.vectors(cache.locate({ texts, file })),
    }
  }
  const loaded = loadSentenceEncoder(folder)
  const own: Embedder = { ...loaded, maxLength: maxLength ?? embedLength(loaded) }
  return {
    ...{ folder, loaded, size: loaded.model.size, maxLength: null },
    vectors: async (texts) => {
      progress.start(`${folder}: vectors`, texts.length)
      const { values } = await embed(own, texts, { onBatch: (done) => progress.update(done, {}) })
      progress.finish('')
      return values
    },
  }
}

/** The student, and whose prompts and tokens it has. */
function studentOf(
  recipe: EmbedRecipe,
  options: DistillOptions,
  { loaded, folder }: VectorTeacher,
  texts: readonly string[],
): Pick<SentenceFolder, 'model' | 'tokenizer' | 'prompts' | 'usualLength'> & { name: string } {
  const { student: source, fromLayers, seed, tokenizer } = options
  const layers = fromLayers ?? (recipe.student === 'layers' && source === undefined ? true : null)
  if (layers !== null) {
    if (loaded === null)
      throw new RangeError(`--student must say what the student is: ${folder} holds vectors, no model`)
    const own = layers === true ? everyThird(loaded.model.config.layers) : layers
    return {
      ...loaded,
      model: sentenceFromLayers(loaded.model, own),
      name: `layers ${own.join(', ')} of the teacher`,
    }
  }
  if (source === undefined) throw new RangeError('--student or --from-layers must say what the student is')
  if (isSentenceFolder(source)) return { ...loadSentenceEncoder(source), name: source }
  const started = randomScope(keyOf(seed, 'init', 0), () =>
    startModel(source, {
      ...{
        as: 'base',
        labels: ['embedding'],
        texts,
        tokenizer: tokenizer ?? (loaded === null ? undefined : folder),
      },
    }),
  )
  const base = started.model as Transformer
  const steps =
    loaded === null || loaded.model.steps.some((step) => step instanceof Normalize) ? [new Normalize()] : []
  const model = new SentenceEncoder(base, { pooling: loaded?.model.pooling ?? 'mean', steps })
  if (loaded !== null && !isFolder(source) && options.embeddings === 'teacher')
    embeddingsOf(loaded.model as unknown as Student)(model as unknown as Student)
  return {
    ...{
      model,
      tokenizer: started.tokenizer,
      name: source,
      usualLength: embedLength({ ...started, usualLength: base.config.maxLength }),
    },
    prompts: loaded?.prompts ?? { named: new Map(), usual: null },
  }
}

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

/** Of a text that comes again the vector is computed once. */
async function vectorsOf(teacher: VectorTeacher, texts: readonly string[], file: string): Promise<Vectors> {
  const different = [...new Set(texts)]
  const values = await teacher.vectors(different, file)
  if (different.length === texts.length) return { values, size: teacher.size }
  const at = new Map(different.map((text, i) => [text, i]))
  return {
    values: selectRows(
      values,
      teacher.size,
      texts.map((text) => at.get(text) as number),
    ),
    size: teacher.size,
  }
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
  if (options.teacher.length > 1 || options.seeds > 1)
    throw new RangeError(
      `${options.seeds > 1 ? '--seeds' : '--teacher'}: the recipe ${recipe.name} takes one`,
    )
  if ((recipe.student === 'teacher') !== (options.dim !== undefined))
    throw new RangeError(
      `--dim: how many numbers embed-pca keeps; ${recipe.name} ${recipe.student === 'teacher' ? 'needs it' : 'does not take it'}`,
    )
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
  if (recipe.student === 'teacher') return reduce(recipe, options, teacher, set, sets, context)

  const student = studentOf(recipe, options, teacher, set.texts)
  const { model, tokenizer } = student
  checkKind(options.out, model)
  const maxLength = Math.min(
    options.maxLength ?? teacher.maxLength ?? embedLength(student),
    model.config.maxLength,
  )
  const own: Embedder = { model, tokenizer, maxLength }
  const { read, taught } = lessons(recipe, set)
  const loss = options.loss ?? recipe.loss ?? 'cosine'
  output.info(
    `${student.name}: ${count(model.countParameters())} parameters, vectors of ${model.size} numbers, the teacher's of ${teacher.size}`,
  )
  output.info(
    `loss = ${embedFormulas[loss]}${model.size === teacher.size ? ', P none' : ''}; ${count(read.length)} texts`,
  )
  const { epochs, batchSize, lr, warmup, weightDecay } = recipe.fit
  const length =
    options.steps === undefined
      ? { epochs: options.epochs ?? (options.quick ? 1 : epochs) }
      : { steps: options.steps }
  const pace = {
    ...length,
    lr: options.lr ?? lr,
    batchSize: options.batchSize ?? batchSize,
    warmup: options.warmup ?? warmup,
  }
  const run = folderOf(options, { ...pace, loss, maxLength }, context)
  if (run.done) return run.leave()
  try {
    const { values } = await vectorsOf(teacher, taught, options.train)
    const { size } = teacher
    const data = textData(read, null, tokenizer, maxLength)
    const result = await learnVectors(
      model,
      data,
      { rows: (rows) => selectRows(values, size, rows), size },
      { loss, ...(options.matryoshka && { matryoshka: options.matryoshka }) },
      {
        ...{ ...pace, weightDecay, seed: options.seed, groups: {}, onNonfinite: options.onNonfinite },
        ...(sets.dev && { evaluate: () => judgePairs(own, sets.dev as PairSet, null) }),
        ...watched(run, context, { name: 'distil', label: 'distilling' }),
      },
    )
    context.progress.finish(`trained for ${duration(run.seconds)}, ${count(result.steps)} steps`)
    place(options.out, sentenceFiles({ model, tokenizer, maxLength, prompts: student.prompts }), output, {
      run: true,
    })
    await finish(run, recipe, options, own, teacher, sets, context)
  } catch (error) {
    run.fail(error)
    throw error
  }
}

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
async function reduce(
  recipe: EmbedRecipe,
  options: DistillOptions,
  teacher: VectorTeacher,
  set: PairSet,
  sets: Held,
  context: Context,
): Promise<void> {
  const { loaded } = teacher
  if (loaded === null)
    throw new TinystillError(`${teacher.folder} holds vectors: embed-pca needs the model itself`)
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
    place(options.out, sentenceFiles({ ...loaded, ...own }), context.output, { run: true })
    await finish(run, recipe, options, own, teacher, sets, context)
  } catch (error) {
    run.fail(error)
    throw error
  }
}

type Held = Record<'dev' | 'test', PairSet | null>

/** Both models on the held-out pairs, their sizes and speeds, into the run's folder and for people. */
async function finish(
  run: RunFolder,
  recipe: EmbedRecipe,
  options: DistillOptions,
  own: Embedder,
  teacher: VectorTeacher,
  { dev, test }: Held,
  context: Context,
): Promise<void> {
  const { output } = context
  const figures: Record<string, Figures> = {}
  const { loaded } = teacher
  for (const [use, set] of Object.entries({ dev, test })) {
    if (set === null) continue
    const theirs = loaded && { ...loaded, maxLength: embedLength(loaded) }
    const vectors = theirs && (await embed(theirs, neighbourTexts(set)))
    figures[use] = await judgePairs(own, set, vectors)
    if (theirs) figures[`${use}, teacher`] = await judgePairs(theirs, set, null)
  }
  const timed = new Map<string, { model: SentenceEncoder; few(n: number): ReturnType<typeof textData> }>()
  const shown = test ?? dev
  const time = (name: string, { model, tokenizer, maxLength }: Embedder) =>
    timed.set(name, {
      model,
      few: (n) => textData((shown as PairSet).texts.slice(0, n), null, tokenizer, maxLength),
    })
  if (shown !== null && loaded !== null) {
    time('teacher', { ...loaded, maxLength: own.maxLength })
    time('student', own)
  }
  const speeds = timed.size > 0 ? Object.fromEntries(await measureSpeeds(timed, context)) : {}
  const size = {
    params: own.model.countParameters(),
    bytes: bytesOfFolder(options.out),
    size: own.model.size,
  }
  const title = `${options.out}: ${recipe.name}`
  run.finish({
    figures,
    more: { ...size, recipe: { name: recipe.name, source: recipe.source }, speeds },
    report: { title, intro: recipe.describe },
  })
  if (Object.keys(figures).length > 0) output.print(figureTable(figures))
  for (const [name, speed] of Object.entries(speeds))
    output.print(
      `${name}: ${count(speed.examplesPerSecond)} texts a second in batches; one alone ${shownSpeed(speed)} ms`,
    )
  output.print(
    `${options.out}: ${count(size.params)} parameters, ${bytes(size.bytes)}, vectors of ${size.size} numbers; sentence-transformers loads it`,
  )
  const main = figures.test ?? figures.dev ?? {}
  output.json({
    ...main,
    ...figures,
    ...size,
    speeds,
    recipe: recipe.name,
    seconds: run.seconds,
    seed: options.seed,
    out: options.out,
  })
}
