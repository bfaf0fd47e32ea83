// The texts on which student and teacher disagree: those of which the teacher is surest come first.
import { best, probabilities } from '../../train/metrics.js'
import type { ReportSection } from '../report.js'

/** Texts of a set, with what both models say of them: logits [rows, classes]. */
export interface Answers {
  texts: readonly string[]
  labels: ArrayLike<number>
  classes: readonly string[]
  teacher: ArrayLike<number>
  student: ArrayLike<number>
}

const SHOWN = 20

/** Its best class and the probability of that. */
function saying(logits: ArrayLike<number>, row: number, classes: number): { said: number; sure: number } {
  const said = best(logits, row * classes, classes)
  return { said, sure: probabilities(logits, row * classes, classes)[said] }
}

const percent = (p: number) => `${(p * 100).toFixed(1)}%`

/** A section: how many there are, who is right on them, and the 20 of which the teacher is surest. */
export function disagreements({ texts, labels, classes, teacher, student }: Answers): ReportSection {
  const found = texts
    .map((text, row) => ({
      ...{ text, row, label: labels[row] },
      teacher: saying(teacher, row, classes.length),
      student: saying(student, row, classes.length),
    }))
    .filter((d) => d.teacher.said !== d.student.said)
    .sort((a, b) => b.teacher.sure - a.teacher.sure || a.row - b.row)
  const right = (who: 'teacher' | 'student') => found.filter((d) => d[who].said === d.label).length
  const title = 'Where student and teacher disagree'
  if (found.length === 0) return { title, text: `On none of ${texts.length} texts.` }
  const first = found.length > SHOWN ? ` The ${SHOWN} of which the teacher is surest:` : ''
  return {
    title,
    text: `On ${found.length} of ${texts.length} texts; the teacher is right on ${right('teacher')} of them, the student on ${right('student')}.${first}`,
    table: {
      texts: true,
      columns: ['text', 'it is', 'teacher says', 'sure', 'student says', 'sure'],
      rows: found
        .slice(0, SHOWN)
        .map(({ text, label, teacher, student }) => [
          text,
          classes[label],
          ...[teacher, student].flatMap(({ said, sure }) => [classes[said], percent(sure)]),
        ]),
    },
  }
}
