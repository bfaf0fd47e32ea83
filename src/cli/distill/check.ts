// The doctor before distilling: everything that is wrong is printed, a line each, before hours are spent.
import {
  checkClasses,
  checkMode,
  checkShapes,
  checkShared,
  checkTeacher,
  checkVocabulary,
  type Problem,
} from '../../distill/doctor.js'
import { checkOutputs } from '../../distill/doctor-outputs.js'
import { describePlan, type StagePlan } from '../../distill/plan/plan.js'
import { isTaught, needsTeacherBeside, otherOf } from '../../distill/plan/runner.js'
import { checkStored } from '../../distill/teachers/stored.js'
import { TinystillError } from '../../errors.js'
import { tokenizerFileHash, tokenizerHash } from '../../files/cache/facts.js'
import { hasSeveral, sameTokenizer } from '../../files/cache/manifest.js'
import type { TextInput } from '../../nn/models/input.js'
import { usualStride } from '../../text/questions/windows.js'
import { labelFacts } from '../../train/outputs/label-facts.js'
import type { Classifier } from '../../train/predict.js'
import { everyTask } from '../../train/tagging/tasks.js'
import { requireTrainingRoom } from '../../train/trainer.js'
import type { Context } from '../shared/command.js'
import type { Output } from '../shared/output.js'
import type { Progress } from '../shared/progress.js'
import { count } from '../shared/table.js'
import { tellTokens, textsOf } from '../shared/tokens.js'
import type { Reader } from './data.js'
import type { Checked, Job } from './job.js'
import { rememberHeld } from './judge.js'
import { otherReader } from './other-reader.js'
import {
  type Answers,
  type CachedTeacher,
  inOrderOf,
  isLive,
  judgedAnswers,
  placesIn,
  storedTeacher,
  type Teacher,
} from './teachers.js'

/** Has the doctor look at a job, says what it found, and prints the plan. Throws TinystillError for problems, unless forced. */
export async function check(job: Job, { output, progress }: Context): Promise<Checked> {
  const { plan, pupil, training, data, sources } = job
  const { problems, notes, accuracies } = await examine(job, progress)
  for (const note of notes) output.info(note)
  report(problems, training.force, output)
  tellReaders(job, output)
  output.info(`student: ${sources.student.name}, ${count(pupil.model.countParameters())} parameters`)
  for (const p of pupil.model.parameters()) p.dispose()
  if (plan.teachers.weights === 'accuracy' && data.reader.held('dev') === null)
    output.info('teachers count by their accuracy on rows of --train, which they may know: give --dev')
  output.info(describePlan(plan))
  const lone = training.variants.find(({ label }) => label === 'alone')
  if (lone) {
    output.info(describePlan(lone.plan))
    if (data.reader.held('dev') === null)
      output.info('alone has its own schedule only: give --dev, and as many steps as distilled are tried too')
  }
  for (const stage of plan.stages)
    requireTrainingRoom(pupil.model, data.reader.stage(stage.data), stage.fit.batchSize)
  if (training.skipped.length > 0)
    output.info(`not left out, as nothing would remain to learn from: ${training.skipped.join(', ')}`)
  return { ...job, accuracies, problems: problems.map(({ what, remedy }) => `${what}. ${remedy}`) }
}

/** What each tokenizer makes of the labelled rows; the student's where it is none of the teachers'. */
function tellReaders({ sources, pupil, data, output: { facts } }: Job, output: Output): void {
  const readers = [
    ...sources.teachers.filter(isLive),
    { folder: sources.student.name, model: pupil.model, tokenizer: pupil.tokenizer },
  ]
  const { train } = facts.data
  const known = new Set<string>()
  for (const read of readers) {
    const key = tokenizerHash(read.tokenizer)
    if (known.has(key)) continue
    known.add(key)
    tellTokens(
      output,
      read,
      train,
      data.reader.texts('labelled').flatMap(({ texts, pairs }) => textsOf(texts, pairs ?? null)),
    )
  }
}

interface Examined {
  problems: Problem[]
  /** What could not be looked at, for people. */
  notes: string[]
  accuracies: number[]
}

type Pupil = Job['pupil']

/**
 * Judges teachers and student before anything is trained. Throws what checkStored() and AtWords.check() throw, and DataError for rows that
 * a cache lacks.
 */
async function examine(job: Job, progress: Progress): Promise<Examined> {
  const { sources, data, pupil: student, plan } = job
  const { teachers, general } = sources
  const { readers } = data
  const [first] = teachers
  const { classes, problemType } = first
  const task = everyTask[problemType]
  const accuracies: number[] = []
  const notes: string[] = []
  const judgedOn = new Set<string>()
  const problems: Problem[] = []
  for (const [i, teacher] of teachers.entries()) {
    if (!isLive(teacher) && teacher.problemType === 'spans') checkWindows(teacher, readers[i], student)
    const { logits: own, of, ...set } = await judgedAnswers(teacher, readers[i], progress)
    if (isLive(teacher)) rememberHeld(teacher.model as Classifier<TextInput>, readers[i], of, own)
    const logits = inOrderOf(classes, own, teacher)
    const judged = set.size > 0
    judgedOn.add(judged ? of : 'no row')
    accuracies.push(judged ? (task.judge(logits, set, classes).figures.accuracy ?? Number.NaN) : Number.NaN)
    notes.push(...(isLive(teacher) ? teacher.notes : notesOf(teacher, student, judged)))
    if (judged) problems.push(...checkAnswers(teacher, logits, set, classes))
    if (isLive(teacher))
      problems.push(
        ...checkMode(teacher.folder, teacher.model),
        ...checkVocabulary(student.tokenizer, teacher.tokenizer, plan.stages.some(needsTeacherBeside)),
        ...checkShared(student.model, teacher.model),
      )
  }
  notes.push(...labelFacts(task.labels, readers[0].stage('labelled'), classes))
  const [apart] = plan.stages.filter(needsTeacherBeside)
  if (teachers.length > 1 && apart)
    throw new TinystillError(
      `${apart.name}: ${apart.teacherDropout ? 'teacherDropout needs' : 'its losses compare the models word by word, which needs'} one teacher, not ${teachers.length}`,
    )
  if (plan.teachers.weights === 'accuracy' && (judgedOn.size > 1 || judgedOn.has('no row')))
    throw new TinystillError(
      'teachers count by their accuracy, but not all caches have the rows by which that is judged',
      'Label the rows of --dev too, or of --train where there is none',
    )
  const taught = plan.stages.filter(
    (s) => isTaught(s) && (s.teacher === 'given' || (s.teacher === 'general' && general === null)),
  )
  teachers.forEach((teacher, i) => {
    if (!isLive(teacher)) problems.push(...checkCache(teacher, readers[i], student, taught))
  })
  for (const stage of plan.stages) otherOf(stage, { other: (name) => otherReader(job, name) })
  const shape = isLive(first) ? first.model.config : storedTeacher(first, readers[0]).shape
  problems.push(...checkShapes(plan.stages, student.model.config, shape, general?.model.config))
  notes.push(...(general?.notes ?? []), ...(student.notes ?? []))
  if (general !== null)
    problems.push(
      ...checkVocabulary(student.tokenizer, general.tokenizer),
      ...checkShared(student.model, general.model),
    )
  const order = checkClasses('the student', student.model.config.labels, classes)
  return { problems: [...problems, ...order], notes, accuracies }
}

/** What a teacher says of rows with labels, by its task. */
function checkAnswers(
  { folder, problemType }: Teacher,
  logits: Float32Array,
  { labels, targets }: Pick<Answers, 'labels' | 'targets'>,
  classes: readonly string[],
): Problem[] {
  if (labels !== null) return checkTeacher(folder, logits, labels, classes)
  if (targets === undefined) return []
  return checkOutputs(folder, logits, targets, classes, problemType === 'regression' ? 'numbers' : 'sets')
}

const readsAlike = ({ cache }: CachedTeacher, { tokenizer, tokenizerFolder }: Pupil) =>
  sameTokenizer(cache.manifest.teacher, {
    ids: tokenizerHash(tokenizer),
    tokenizer: tokenizerFileHash(tokenizerFolder),
  })

/** What of a teacher cannot be seen in its outputs. */
function notesOf(teacher: CachedTeacher, student: Pupil, judged: boolean): string[] {
  const { folder, cache } = teacher
  const { maxLength } = cache.manifest.settings
  return [
    ...(judged
      ? []
      : [`${folder} has no rows of --train: its accuracy and order of classes are not checked`]),
    ...(readsAlike(teacher, student)
      ? []
      : [`${folder} is of another tokenizer than the student's: vocabularies are not checked`]),
    ...(maxLength === student.maxLength
      ? []
      : [
          `${folder} read texts of up to ${maxLength} tokens, the student reads ${student.maxLength}: --max-length`,
        ]),
  ]
}

/** Throws TinystillError where tokens of a cache's windows are not those of the student's. */
function checkWindows(teacher: CachedTeacher, reader: Reader, student: Pupil): void {
  const { folder, cache } = teacher
  const { maxLength, docStride } = cache.manifest.settings
  const own = reader.docStride ?? usualStride(student.maxLength)
  const alike = readsAlike(teacher, student)
  if (alike && maxLength === student.maxLength && docStride === own) return
  throw new TinystillError(
    alike
      ? `${folder} is of windows of ${maxLength} tokens that have ${docStride} in common, the student reads ${student.maxLength} with ${own}`
      : `${folder} is of another tokenizer than the student's, and says which token each answer begins with`,
    alike
      ? `Give --max-length ${maxLength} --doc-stride ${docStride}, or label again`
      : "Start the student with the teacher's tokenizer: --tokenizer DIR",
  )
}

/** Throws what checkStored() throws of stages that hear more than logits, and DataError for rows that are not there. */
function checkCache(
  teacher: CachedTeacher,
  reader: Reader,
  student: Pupil,
  stages: readonly StagePlan[],
): Problem[] {
  const beside = stages.filter(needsTeacherBeside)
  if (beside.length > 0 && hasSeveral(teacher.cache.manifest))
    throw new TinystillError(
      `${beside[0].name}: its losses read more than logits, ${teacher.folder} holds those alone of words and questions`,
      "Give the teacher's own folder by --teacher",
    )
  for (const stage of beside) checkStored(stage, student.model.config.layers, storedTeacher(teacher, reader))
  for (const kind of new Set(stages.map((stage) => stage.data))) placesIn(teacher, reader, kind)
  if (beside.length === 0 || readsAlike(teacher, student)) return []
  return [
    {
      what: `${beside[0].name}: the hidden states in ${teacher.folder} are of another tokenizer than the student's`,
      remedy:
        "Start the student with the teacher's tokenizer, --tokenizer DIR, or give the teacher's own folder by --teacher: then states are compared at words",
    },
  ]
}

/** Prints each problem. Throws TinystillError where there are any, unless forced. */
function report(problems: readonly Problem[], force: boolean, output: Output): void {
  for (const { what, remedy } of problems) output.print(`problem: ${what}. ${remedy}`)
  if (problems.length === 0 || force) return
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  throw new TinystillError(`${many} before the start, see above`, '--force goes on all the same')
}
