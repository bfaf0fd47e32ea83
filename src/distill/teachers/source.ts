// Where a stage's teacher outputs come from: logits computed once, or the teacher beside the student.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { nextKey, randomScope } from '../../autograd/random.js'
import { within } from '../../autograd/trace.js'
import { ShapeError } from '../../errors.js'
import { answersIn, askedOf, type DataSet, selectRows } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Pretrained, Wanted } from '../../nn/models/pretrained.js'
import { withModules } from '../../nn/trace.js'
import { fold } from '../../tensor/rng.js'
import type { TeacherOutput } from '../plan/loss.js'

/** The outputs for rows of the stage's data, `input` being those rows as the teacher reads them. */
export type TeacherSource = (rows: Int32Array, input: TextInput) => TeacherOutput

/** Logits [answers, classes] of all rows of a set. Throws ShapeError where they do not fit. */
export function storedLogits(
  logits: Float32Array,
  data: Pick<DataSet<unknown>, 'answers' | 'size'>,
): TeacherSource {
  const size = answersIn(data)
  const classes = logits.length / size
  if (!Number.isInteger(classes) || classes < 1)
    throw new ShapeError('storedLogits', `${logits.length} teacher logits do not fit ${size} rows`)
  return (rows) => {
    const asked = askedOf(data, rows)
    const shape = [asked.length, classes]
    return { logits: within('the teacher', () => tensor(selectRows(logits, classes, asked), { shape })) }
  }
}

/**
 * The teacher beside the student, without gradients: hidden states word by word. dropout: the stage's name where the
 * teacher's dropout is on, as in TinyBERT's code; what it drops is a function of that and of the batch's own key.
 */
export function liveTeacher(teacher: Pretrained, want: Wanted, dropout: string | null = null): TeacherSource {
  teacher.eval()
  const heard = (input: TextInput) =>
    withModules(teacher, "the teacher's ", () => noGrad(() => teacher.forward(input, want))) as TeacherOutput
  if (dropout === null) return (_, input) => heard(input)
  return (_, input) => {
    teacher.train()
    try {
      return randomScope(fold(nextKey(), dropout), () => heard(input))
    } finally {
      teacher.eval()
    }
  }
}
