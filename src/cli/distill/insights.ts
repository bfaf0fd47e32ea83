// What report.html shows of student and teacher beside their figures: where they agree, and how sure they are.

import type { Student } from '../../distill/plan/runner.js'
import { combineLogits } from '../../distill/teachers/combine.js'
import { inOrder, itemOf } from '../../nn/data.js'
import { attentionMaps } from '../../report/insights/attention-maps.js'
import { disagreements } from '../../report/insights/disagreements.js'
import { reliability } from '../../report/insights/reliability.js'
import { similarity } from '../../report/insights/similarity.js'
import { softTargets, telling } from '../../report/insights/soft-targets.js'
import type { ReportSection } from '../../report/report.js'
import { predict } from '../../train/predict.js'
import type { Checked } from './job.js'
import { heldLogits, heldSet } from './judge.js'
import { inOrderOf, isLive } from './teachers.js'

/** Texts that layers are compared on. */
const LOOKED = 128
/** Rows on which the student's temperature is fitted. */
const FITTED = 400
/** Rows among which telling ones are sought, and how many are shown. */
const SAMPLES = 400
const TELLING = 5

/**
 * `name` is the student's in tables; `alone`: the logits of the held set that the lone student gave, where there is one.
 * Where a teacher is a cache, it cannot be looked into nor asked about these texts.
 */
export function insightsOf(
  job: Checked,
  name: string,
  student: Student,
  alone: Float32Array | null,
): ReportSection[] {
  const { plan, accuracies } = job
  const { teachers } = job.sources
  const { readers, reader } = job.data
  const { classes, problemType } = teachers[0]
  // Reliability, disagreements and soft targets are of one class a text.
  const single = problemType === 'single_label_classification'
  const { texts: firsts, pairs, labels } = reader.shown
  const texts = firsts.map((text, i) => (pairs?.[i] ? `${text} | ${pairs[i]}` : text))
  const held = heldSet(reader)
  const live = teachers.filter(isLive)
  if (live.length < teachers.length)
    return held && single ? judgedSections(job, { texts, name, student, teacher: null, alone }) : []
  const each = live.map((t, i) => {
    const logits = held ? heldLogits(t.model, readers[i]) : predict(t.model, readers[i].few(LOOKED))
    return inOrderOf(classes, logits, t)
  })
  const teacher = combineLogits(each, classes.length, plan.teachers, 1, accuracies)
  const samples = texts.slice(0, held ? SAMPLES : LOOKED).map((text, i) => ({
    ...{ text, label: labels?.[i] ?? -1 },
    logits: teacher.subarray(i * classes.length, (i + 1) * classes.length),
  }))
  const [first] = live
  const reading = (who: string, model: Student, own: typeof reader) => ({
    ...{ name: who, model, data: own.few(LOOKED), tokenizer: own.tokenizer },
  })
  const [ours, theirs] = [reading(name, student, reader), reading('teacher', first.model, readers[0])]
  // A row may be a window of a text.
  const rows = inOrder(ours.data.size)
  const maps = attentionMaps(
    ours,
    theirs,
    Array.from(rows, (row) => texts[itemOf(ours.data, row)]),
  )
  return [
    ...(held && single ? judgedSections(job, { texts, name, student, teacher, alone }) : []),
    ...(single ? [softTargets(telling(samples, classes.length, TELLING), classes)] : []),
    similarity(ours, theirs),
    ...(maps ? [maps] : []),
  ]
}

interface JudgedModels {
  texts: readonly string[]
  name: string
  student: Student
  teacher: Float32Array | null
  alone: Float32Array | null
}

/** What needs a set that models are judged on. */
function judgedSections(
  { sources: { teachers }, data: { reader } }: Checked,
  { texts, name, student, teacher, alone }: JudgedModels,
): ReportSection[] {
  const { classes } = teachers[0]
  const labels = heldSet(reader)?.labels as Int32Array
  const logits = heldLogits(student, reader)
  const spare = reader.spare(FITTED)
  const before = alone ?? teacher
  return [
    ...(before
      ? [
          reliability({
            before: { name: alone ? 'alone' : 'teacher', logits: before, labels },
            after: { name, logits, labels },
            fitting: spare && { logits: predict(student, spare), labels: spare.labels as Int32Array },
            classes: classes.length,
          }),
        ]
      : []),
    ...(teacher ? [disagreements({ texts, labels, classes, teacher, student: logits })] : []),
  ]
}
