// The teachers of a distillation: models out of folders, or what tinystill label kept of them, and what either says of a set.
import { fingerprint } from '../../distill/doctor.js'
import type { StageData } from '../../distill/plan/plan.js'
import type { Student } from '../../distill/plan/runner.js'
import type { StoredTeacher } from '../../distill/teachers/stored.js'
import { CheckpointError, TinystillError } from '../../errors.js'
import { sha256 } from '../../files/cache/facts.js'
import { type CachedTask, isCache } from '../../files/cache/manifest.js'
import { openCache, type TeacherCache } from '../../files/cache/reader.js'
import type { KeptLogits, LogitFacts } from '../../files/kept-logits.js'
import { loadAnswering } from '../../files/tagging/tagger.js'
import { answersIn, type DataSet, inOrder } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import { Pretrained } from '../../nn/models/pretrained.js'
import type { Tokenizer } from '../../text/encoding.js'
import { type Classifier, predictInTurns } from '../../train/predict.js'
import type { TaskType } from '../../train/tagging/tasks.js'
import type { Progress } from '../shared/progress.js'
import { JUDGED, type Reader, type SetName } from './data.js'

/** A teacher that can be asked. */
export interface LiveTeacher {
  folder: string
  model: Student
  tokenizer: Tokenizer
  classes: readonly string[]
  /** What people should know of the folder. */
  notes: readonly string[]
  problemType: TaskType
}

/** What was kept of a teacher. */
export interface CachedTeacher {
  folder: string
  cache: TeacherCache
  classes: readonly string[]
  problemType: CachedTask
}

export type Teacher = LiveTeacher | CachedTeacher

export const isLive = (teacher: Teacher): teacher is LiveTeacher => 'model' in teacher

/**
 * A model in eval mode, without gradients, or an open cache. Throws CheckpointError for what is neither a classifier of the
 * BERT family nor a cache of one.
 */
export function loadTeacher(folder: string): Teacher {
  if (isCache(folder)) {
    const cache = openCache(folder)
    return { folder, cache, classes: cache.classes, problemType: cache.manifest.problemType }
  }
  const { model, tokenizer, classes, problemType, notes } = loadAnswering(folder)
  if (!(model instanceof Pretrained))
    throw new CheckpointError(folder, 'is no model of the BERT family', 'Train one: tinystill train')
  for (const p of model.parameters()) p.requiresGrad = false
  return { folder, model: model.eval() as Student, tokenizer, classes, problemType, notes }
}

export function closeTeachers(teachers: readonly Teacher[]): void {
  for (const teacher of teachers) if (!isLive(teacher)) teacher.cache.close()
}

/** Logits with columns in another model's order of the same classes. Throws TinystillError where those differ. */
export function inOrderOf(
  classes: readonly string[],
  logits: Float32Array,
  { folder, classes: own }: Pick<Teacher, 'folder' | 'classes'>,
): Float32Array {
  const order = classes.map((name) => own.indexOf(name))
  if (order.includes(-1) || own.length !== classes.length)
    throw new TinystillError(`${folder}: its classes are ${own.join(', ')}, not ${classes.join(', ')}`)
  if (order.every((c, i) => c === i)) return logits
  return logits.map((_, i) => logits[i - (i % own.length) + order[i % own.length]])
}

/** The cache's row of each row of a set. Throws DataError naming file and lines of those that are not there. */
export function placesIn({ cache }: CachedTeacher, reader: Reader, set: SetName): Int32Array {
  return Int32Array.from(reader.texts(set).flatMap((texts) => [...cache.locate(texts)]))
}

/** All that a model's logits of a set follow from. */
export function factsOf(model: Classifier<TextInput>, reader: Reader, set: SetName): LogitFacts {
  const config = 'config' in model ? model.config : null
  return { weights: fingerprint(model), config: sha256(JSON.stringify(config)), ...reader.facts(set) }
}

/** A teacher's logits of the rows that a stage learns from, in the order of its own classes. */
export async function answersOf(
  teacher: Teacher,
  reader: Reader,
  set: StageData,
  kept: KeptLogits,
  onBatch: (done: number) => void,
): Promise<Float32Array> {
  const data = reader.stage(set)
  if (!isLive(teacher)) return keptLogits(teacher, placesIn(teacher, reader, set), data)
  const { model, classes } = teacher
  return kept.take(
    factsOf(model as Classifier<TextInput>, reader, set),
    [answersIn(data), classes.length],
    () => predictInTurns(model as Classifier<TextInput>, data, { onBatch }),
  )
}

/**
 * Logits of a cache's rows, as many of each as the data has answers. Throws TinystillError where the teacher read other windows than the
 * data is of, or has nothing of a word that it asks for.
 */
function keptLogits(
  { folder, cache, classes }: CachedTeacher,
  places: Int32Array,
  { size, answers }: Pick<DataSet<unknown>, 'size' | 'answers'>,
): Float32Array {
  const logits = cache.logits(places)
  if (answers === undefined) return logits
  const { items = answers.starts } = answers
  const counts = cache.answers(places)
  const row = counts.findIndex((n, i) => n !== items[i + 1] - items[i])
  const fail = (reason: string): never => {
    throw new TinystillError(
      `${folder}: ${reason}`,
      "Both sides need the same tokenizer, --max-length and --doc-stride; or give the teacher's own folder by --teacher",
    )
  }
  if (row >= 0)
    fail(
      `the teacher read row ${row + 1} as ${counts[row]} tokens of windows, the student reads ${items[row + 1] - items[row]}`,
    )
  const { length: n } = classes
  const unsaid = answers.asked(inOrder(size)).filter((answer) => Number.isNaN(logits[answer * n])).length
  if (unsaid > 0) fail(`the teacher has no token of ${unsaid} words that the student reads`)
  return logits
}

/** Logits in the order of the teacher's own classes, and what the rows' labels say. */
export interface Answers extends Pick<DataSet<unknown>, 'labels' | 'targets' | 'answers' | 'spans' | 'size'> {
  logits: Float32Array
}

const whole = (reader: Reader, set: 'labelled' | 'dev' | 'test') =>
  (set === 'labelled' ? reader.stage(set) : reader.held(set)) as DataSet<TextInput>

/** What a cache says of those rows of a labelled set that it has, the first `most` of them; missing: rows that it has not. */
export function keptAnswers(
  teacher: CachedTeacher,
  reader: Reader,
  set: 'labelled' | 'dev' | 'test',
  most = Infinity,
): Answers & { missing: number } {
  const { cache } = teacher
  const all = reader
    .texts(set)
    .flatMap(({ texts, pairs, words }) =>
      texts.map((text, i) => cache.find(text, pairs?.[i] ?? null, words?.[i])),
    )
  const known = [...all.keys()].filter((i) => all[i] >= 0)
  const shown = known.slice(0, most)
  const data = shown.length === all.length ? whole(reader, set) : reader.some(set, shown)
  const { labels, targets, size, answers, spans } = data
  const places = Int32Array.from(shown, (i) => all[i])
  return {
    ...{ logits: keptLogits(teacher, places, data), size, labels, answers, spans },
    ...(targets && { targets }),
    missing: all.length - known.length,
  }
}

/** What a teacher is judged on before the start: the dev set, or else the first of the labelled rows, of a cache those it has. */
export async function judgedAnswers(
  teacher: Teacher,
  reader: Reader,
  progress: Progress,
): Promise<Answers & { of: 'dev' | 'labelled' }> {
  const of = reader.held('dev') === null ? 'labelled' : 'dev'
  if (isLive(teacher)) {
    const set = reader.judged()
    const { labels, targets, answers, spans, size } = set
    const logits = await predictInTurns(teacher.model as Classifier<TextInput>, set, {
      onBatch: (done) => progress.aside(`judging ${teacher.folder}`, done, size),
    })
    progress.finish('')
    return { logits, labels, size, answers, spans, ...(targets && { targets }), of }
  }
  if (of === 'dev') {
    const dev = keptAnswers(teacher, reader, of)
    if (dev.missing === 0) return { ...dev, of }
  }
  return { ...keptAnswers(teacher, reader, 'labelled', JUDGED), of: 'labelled' }
}

/** A cache as stages on hidden states learn from it; `reader` is the student's. */
export function storedTeacher(teacher: CachedTeacher, reader: Reader): StoredTeacher {
  const { folder: name, cache } = teacher
  const { hidden, layers, width, depth = layers.at(-1) ?? 0 } = cache.manifest.settings
  return {
    ...{ name, hidden, layers, shape: hidden === 'none' ? null : { layers: depth, width } },
    targets: (kind) => cache.at(placesIn(teacher, reader, kind)),
  }
}
