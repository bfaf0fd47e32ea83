// The doctor before distilling: everything that is wrong is printed, a line each, before hours are spent.
import {
  checkClasses,
  checkMode,
  checkShapes,
  checkShared,
  checkTeacher,
  checkVocabulary,
  type Problem,
} from '../distill/doctor.js'
import { classification } from '../distill/metrics.js'
import type { Plan } from '../distill/plan.js'
import { predict } from '../distill/predict.js'
import { type Student, wantedBy } from '../distill/runner.js'
import { TinystillError } from '../errors.js'
import type { Tokenizer } from '../nn/text/encoding.js'
import type { Reader } from './distill-data.js'
import type { GeneralTeacher, StudentSource, Teacher } from './distill-models.js'
import type { Output } from './output.js'

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

export interface Checked {
  problems: Problem[]
  /** Of each teacher, on the dev set or else on labelled rows. */
  accuracies: number[]
}

/** Judges teachers and student before anything is trained. */
export function examine(
  teachers: readonly Teacher[],
  readers: readonly Reader[],
  student: { source: StudentSource; model: Student; tokenizer: Tokenizer },
  plan: Plan,
  general: GeneralTeacher | null,
): Checked {
  const [{ classes }] = teachers
  const accuracies: number[] = []
  const problems = teachers.flatMap((teacher, i) => {
    const set = readers[i].judged()
    const logits = inOrderOf(classes, predict(teacher.model, set), teacher)
    const labels = set.labels as Int32Array
    accuracies.push(classification(logits, labels, classes.length).accuracy)
    return [
      ...checkMode(teacher.folder, teacher.model),
      ...checkTeacher(teacher.folder, logits, labels, classes),
      ...checkVocabulary(student.tokenizer, teacher.tokenizer),
      ...checkShared(student.model, teacher.model),
    ]
  })
  const [apart] = plan.stages.filter((stage) => Object.values(wantedBy(stage)).some(Boolean))
  if (teachers.length > 1 && apart)
    throw new TinystillError(
      `${apart.name}: its losses compare the models word by word, which needs one teacher, not ${teachers.length}`,
    )
  const shapes = checkShapes(plan.stages, student.model, teachers[0].model, general?.model)
  if (general !== null)
    problems.push(
      ...checkVocabulary(student.tokenizer, general.tokenizer),
      ...checkShared(student.model, general.model),
    )
  const order = checkClasses('the student', student.model.config.labels, classes)
  return { problems: [...problems, ...student.source.problems, ...order, ...shapes], accuracies }
}

/** Prints each problem. Throws TinystillError where there are any, unless forced. */
export function report(problems: readonly Problem[], force: boolean, output: Output): void {
  for (const { what, remedy } of problems) output.print(`problem: ${what}. ${remedy}`)
  if (problems.length === 0 || force) return
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  throw new TinystillError(`distill: ${many} before the start, see above`, '--force goes on all the same')
}
