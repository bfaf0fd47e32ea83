// tinystill compress: a model made small in several ways, judged side by side, and the one that was asked for.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { CheckpointError } from '../../errors.js'
import { isFolder, makeFolder, readBytes } from '../../files/disk.js'
import { lockFolder } from '../../files/lock.js'
import type { TextClassifierFolder } from '../../files/models/classifiers.js'
import { loadClassifier } from '../../files/models/on-disk.js'
import { writeStaged } from '../../files/staged.js'
import { Pretrained } from '../../nn/models/pretrained.js'
import { countWeights } from '../../nn/quantized/quantize.js'
import type { Tokenizer } from '../../text/encoding.js'
import { type FewerWords, hasFewerWords } from '../../text/fewer-words.js'
import { lessIsBetter } from '../../train/keeper.js'
import type { Figures } from '../../train/reports.js'
import { tasks } from '../../train/tasks.js'
import type { Experiment, Step } from '../run/experiment.js'
import { type Planned, planOf, runPlanned, typed } from '../run/run.js'
import type { CommandSpec, CommonOptions, Context } from '../shared/command.js'
import { answersOf, type CompareRules, dataOf, type Rows, type Side, timedSide } from '../shared/compare.js'
import { lengthsLine, rowsLine, tellRows } from '../shared/data-report.js'
import { bytesOfFolder } from '../shared/figures.js'
import { readFor } from '../shared/labels-option.js'
import { place } from '../shared/model-folder.js'
import {
  addDataOptions,
  byteCount,
  type DataFileOptions,
  dataOptions,
  given,
  numberIn,
  quoted,
  whole,
} from '../shared/options.js'
import { measureSpeeds, type Speed } from '../shared/speed.js'
import { bytes, count, renderTable } from '../shared/table.js'
import { partsThatStay, textsOf, wordsFor } from '../shrink/parts.js'
import { choose, front } from './choose.js'
import { type Left, leftBy } from './fit.js'
import { columns, reportOf, rowsOf, type Told } from './report.js'
import {
  type Candidate,
  described,
  type Material,
  type StudentName,
  stepsOf,
  studentNames,
  usualStudents,
  wordFiles,
  wordsOf,
} from './steps.js'

interface CompressOptions extends CommonOptions, DataFileOptions {
  model: string
  out: string
  train: string
  dev: string
  test?: string
  transfer?: string
  targetSize?: number
  tolerance?: number
  students?: StudentName[]
  epochs?: number
  maxLength?: number
  batchSize: number
  dryRun: boolean
}

/** Points that leaving out words may cost where no size is asked for: of a small model they are most of it. */
const FREE = 0.5

/** Points below the whole model, where neither a size nor a tolerance is asked for. */
const TOLERANCE = 1

/** What there is to work with. Throws CheckpointError for a model of which no parts can be cut. */
function materialOf(options: CompressOptions, { model: own }: TextClassifierFolder): Material {
  const { model, out, train, dev, transfer, epochs, maxLength, targetSize } = options
  if (!(own instanceof Pretrained))
    throw new CheckpointError(
      model,
      'is a small model of our own, of which no parts can be cut',
      'Name one of the BERT family',
    )
  if (own.family.body !== 'blocks')
    throw new CheckpointError(
      model,
      `holds a ${own.family.className}, of which no parts can be cut`,
      'Name one of the BERT family; shrink --vocabulary and quantize make this one smaller',
    )
  const { textColumn, textPairColumn, labelColumn, delimiter } = options
  const reading = { textColumn, textPairColumn, labelColumn, delimiter }
  return {
    ...{
      model,
      config: own.config,
      stay: Object.keys(partsThatStay(own)),
      train,
      dev,
      transfer,
      answers: join(out, 'steps', 'answers'),
    },
    ...{ epochs, maxLength, targetSize, reading },
  }
}

/** Steps as an experiment of this command's own. */
function experimentOf({ out, seed }: CompressOptions, steps: readonly Step[]) {
  const experiment: Experiment = {
    ...{ file: 'compress', out: join(out, 'steps'), seeds: [seed], data: {}, models: {}, steps },
  }
  return { experiment, plan: planOf(experiment) }
}

const commandsOf = (plan: readonly Planned[], options: CommonOptions): string[] =>
  typed(plan, options).map((words) => ['tinystill', ...words].map(quoted).join(' '))

interface Sets {
  rules: CompareRules
  dev: Rows
  test: Rows | null
}

function setsOf(options: CompressOptions, whole: TextClassifierFolder, { output }: Context): Sets {
  const { problemType, classes } = whole
  const maxLength = Math.min(options.maxLength ?? whole.usualLength, whole.maxLength)
  const read = (file: string) => {
    const set = readFor(file, whole, undefined, dataOptions(options, output), output)
    tellRows(
      output,
      { ...whole, folder: options.model },
      { ...set, file },
      dataOf(whole, set, maxLength),
      maxLength,
    )
    return set
  }
  return {
    rules: { problemType, classes, maxLength, batchSize: options.batchSize },
    dev: read(options.dev),
    test: options.test === undefined ? null : read(options.test),
  }
}

/** Of a run that is only shown: what its files hold, and how many words its texts need. Throws DataError. */
function tellMaterial(options: CompressOptions, whole: TextClassifierFolder, context: Context) {
  const { model: folder, train, dev, test } = options
  const { output } = context
  const maxLength = Math.min(options.maxLength ?? whole.usualLength, whole.maxLength)
  const rows = Object.entries(given({ train, dev, test })).map(([use, file]) => {
    const set = readFor(file, whole, undefined, dataOptions(options, output), output)
    output.info(rowsLine(file, set))
    output.info(lengthsLine(set, dataOf(whole, set, maxLength), whole.tokenizer, maxLength))
    return [use, set.texts.length]
  })
  const vocabulary = wordFiles(options)
  const words = wordsFor({ ...whole, folder }, { ...options, vocabulary }, context) as FewerWords
  const { vocabSize } = words.tokenizer
  output.info(
    `${count(vocabSize)} of ${count(whole.tokenizer.vocabSize)} words are needed for ${vocabulary.join(' and ')}`,
  )
  return {
    rows: Object.fromEntries(rows),
    words: vocabSize,
    left: leftFor(words.tokenizer, options, context),
  }
}

/** Of a vocabulary without unused words; rare ones go for a size alone. */
function leftFor(words: Tokenizer, options: CompressOptions, { output }: Context): Left[] {
  const all = { minCount: 1, words: words.vocabSize }
  if (options.targetSize === undefined || !hasFewerWords(words)) return [all]
  return leftBy(words, textsOf(wordFiles(options), options, output))
}

/** A candidate's folder, of whose steps these are the results. */
const folderOf = ({ step }: Candidate, model: string, plan: readonly Planned[]): string =>
  step === null ? model : (plan.find((one) => one.step.name === step) as Planned).out

const sideOf = (candidate: Candidate, folder: string): Side & Candidate & { folder: string } => ({
  ...{ ...candidate, folder, ...loadClassifier(folder) },
  name: candidate.name,
})

/** The deciding figure, as more is better. */
const scoreOf = (figures: Figures, metric: string): number =>
  lessIsBetter(metric) ? -figures[metric] : figures[metric]

/** All candidates on the same texts, their speeds in turn. known: figures on dev of those that have answered it already. */
async function judge(
  sides: readonly (Side & Candidate & { folder: string })[],
  { rules, dev, test }: Sets,
  known: ReadonlyMap<string, Figures>,
  context: Context,
): Promise<Told[]> {
  const speeds = await measureSpeeds(
    new Map(sides.map((side) => [side.name, timedSide(side, dev, rules)])),
    context,
  )
  const [metric] = tasks[rules.problemType].metrics
  const told: Told[] = []
  for (const side of sides) {
    const onDev = known.get(side.name) ?? (await answersOf(side, dev, rules, context)).figures
    told.push({
      ...{ name: side.name, folder: side.folder, levers: side.levers, bytes: bytesOfFolder(side.folder) },
      ...{ weights: countWeights(side.model), score: scoreOf(onDev, metric) },
      ...{ dev: onDev, test: test && (await answersOf(side, test, rules, context)).figures },
      speed: speeds.get(side.name) as Speed,
    })
  }
  return told
}

/**
 * What words students may have where they are made without unused ones too, else null, and what both models got on dev. Their
 * teacher then has none of them either, which changes no answer of it: the words are those of no text that it answers.
 */
async function fewerWords(
  experiment: ReturnType<typeof experimentOf>,
  candidates: readonly Candidate[],
  sets: Sets,
  options: CompressOptions,
  context: Context,
): Promise<{ left: Left[] | null; known: Map<string, Figures> }> {
  await runPlanned(experiment.experiment, experiment.plan, options, context)
  const [metric] = tasks[sets.rules.problemType].metrics
  const known = new Map<string, Figures>()
  let words: Tokenizer | null = null
  for (const candidate of candidates) {
    const side = sideOf(candidate, folderOf(candidate, options.model, experiment.plan))
    known.set(side.name, (await answersOf(side, sets.dev, sets.rules, context)).figures)
    // In the end those of the last, which has the fewer.
    words = side.tokenizer
    for (const p of side.model.parameters()) p.dispose()
  }
  const [whole, fewer] = [...known.values()].map((figures) => scoreOf(figures, metric))
  const lost = 100 * (whole - fewer)
  const few = options.targetSize !== undefined || lost <= FREE
  context.output.info(
    `words that no text uses cost ${lost.toFixed(2)} points of ${metric} on dev: students are made ${few ? 'without' : 'with'} them`,
  )
  return { left: few ? leftFor(words as Tokenizer, options, context) : null, known }
}

/** What a folder needs to be loaded, without the records of its training. */
const MODEL =
  /^(config|quantization|vocab|merges|tokenizer|tokenizer_config|special_tokens_map|added_tokens|model)[\w.-]*\.(json|txt)$|\.safetensors$/

const filesOf = (folder: string): string[] => readdirSync(folder).filter((name) => MODEL.test(name))

/** The model alone, in the place of one that was taken before: weights of both kinds would be two models in one folder. */
function copyModel(from: string, to: string, output: Context['output']): void {
  const names = filesOf(from)
  const check = (staged: string) => {
    loadClassifier(staged)
    for (const name of isFolder(to) ? filesOf(to) : []) if (!names.includes(name)) rmSync(join(to, name))
  }
  place(
    to,
    names.map((name) => [name, [readBytes(join(from, name))]]),
    output,
    { check },
  )
}

export const compressCommand: CommandSpec<CompressOptions> = {
  name: 'compress',
  describe:
    'Makes a classifier small in several ways (unused words, parts cut out, students, whole numbers) and picks one by size and loss',
  options: (command: Command) =>
    addDataOptions(
      command
        .requiredOption('--model <dir>', 'folder of the classifier')
        .requiredOption('--out <dir>', 'folder for the result, report.html, compress.json and each step')
        .requiredOption('--train <file>', 'labelled texts that students learn from')
        .requiredOption('--dev <file>', 'labelled texts that decide')
        .option('--test <file>', 'labelled texts for the table alone')
        .option('--transfer <file>', 'more texts without labels, which the model answers for its students')
        .option(
          '--target-size <bytes>',
          'of the weights in files at most: 5MB; the best under it is taken',
          byteCount,
        )
        .option(
          '--tolerance <points>',
          `of the deciding figure on --dev below the model's; default ${TOLERANCE}, with --target-size none. Without a size the smallest within it is taken`,
          numberIn(0, 100),
        )
        .addOption(
          new Option(
            '--students <names...>',
            `which are tried; default all but rank. ${studentNames.map((name) => `${name}: ${described[name]}`).join('; ')}`,
          ).choices([...studentNames]),
        )
        .option(
          '--epochs <n>',
          "passes of each training; default 3 of the model's own weights, of new ones by steps",
          whole(1, 1000),
        )
        .option('--batch-size <n>', 'rows of a batch when models answer', whole(1), 64)
        .option('--max-length <n>', "tokens of a text; default: the model's own", whole(2))
        .option('--dry-run', 'prints the commands that the steps are', false),
    ),
  run: async (options, context) => {
    const { model: folder, out, dryRun, targetSize, tolerance } = options
    const { output } = context
    const whole = loadClassifier(folder)
    const material = materialOf(options, whole)
    const students = (options.students ?? usualStudents).filter(
      (name) => name !== 'half' || material.config.layers > 1,
    )
    if (dryRun) {
      const { rows, words, left } = tellMaterial(options, whole, context)
      const { steps } = stepsOf(students, material, left)
      const commands = commandsOf(experimentOf(options, steps).plan, options)
      for (const line of commands) output.print(line)
      output.json({ commands, rows, words: { kept: words, of: material.config.vocabSize } })
      return
    }
    makeFolder(out)
    const release = lockFolder(out)
    try {
      const sets = setsOf(options, whole, context)
      const first = wordsOf(material)
      const { left, known } = await fewerWords(
        experimentOf(options, first.steps),
        first.candidates,
        sets,
        options,
        context,
      )
      const { steps, candidates } = stepsOf(students, material, left)
      const { experiment, plan } = experimentOf(options, steps)
      await runPlanned(experiment, plan, options, context)
      const sides = candidates.map((candidate) => sideOf(candidate, folderOf(candidate, folder, plan)))
      const all = await judge(sides, sets, known, context)
      const points = tolerance ?? (targetSize === undefined ? TOLERANCE : null)
      const wish = { size: targetSize ?? null, tolerance: points === null ? null : points / 100 }
      const choice = choose(all, all[0], wish)
      const [metric] = tasks[whole.problemType].metrics
      const best = front(all)
      const record = {
        ...{ model: folder, chosen: choice.chosen.name, missed: choice.missed, wish, metric },
        models: all.map(({ score: _, ...told }) => ({
          ...told,
          front: best.some(({ name }) => name === told.name),
        })),
      }
      const about = { out, model: folder, seed: options.seed, command: commandsOf(plan, options).join('\n') }
      writeStaged(
        out,
        [
          ['report.html', reportOf(all, choice, metric, about)],
          ['compress.json', `${JSON.stringify(record, null, 2)}\n`],
        ],
        () => copyModel(choice.chosen.folder, join(out, 'model'), output),
      )
      const titles = columns(metric, all[0].test !== null)
      output.print(
        renderTable(
          titles.map((title, i) => ({ title, align: i < 2 ? 'left' : 'right' })),
          rowsOf(all, choice.chosen, metric),
        ),
      )
      if (choice.missed.includes('size'))
        output.print(`no model is as small as ${bytes(targetSize as number)}: the smallest is taken`)
      if (choice.missed.includes('tolerance'))
        output.print(`none of that size is within ${points} points of the whole model: the best is taken`)
      output.print(
        `${join(out, 'model')}: ${choice.chosen.name}, ${bytes(choice.chosen.bytes)}; all of them in report.html`,
      )
      output.json(record)
    } finally {
      release()
    }
  },
}
