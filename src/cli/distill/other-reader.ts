// A teacher that reads texts by another tokenizer than its student.
import { AtWords } from '../../distill/teachers/at-words.js'
import { sameVocabulary } from '../../text/encoding.js'
import { opensTexts } from '../../text/tagged/word-places.js'
import type { Job } from './job.js'
import { isLive } from './teachers.js'

/** The teacher of that name: see Bench.other. */
export function otherReader(
  { sources, data }: Pick<Job, 'sources' | 'data'>,
  name: 'given' | 'general',
): AtWords | null {
  const { teachers, general } = sources
  const [first, ...others] = teachers
  const given = others.length === 0 && isLive(first) ? first : null
  const teacher = (name === 'general' ? general : null) ?? given
  const reader = teacher === general ? data.general : data.readers[0]
  if (teacher === null || reader === null) return null
  const { reader: own } = data
  if (sameVocabulary(own.tokenizer, teacher.tokenizer)) return null
  return new AtWords({
    model: teacher.model,
    data: (kind) => reader.stage(kind),
    places: (kind) => ({ student: own.places(kind), teacher: reader.places(kind) }),
    opens: opensTexts(own.tokenizer) && opensTexts(teacher.tokenizer),
  })
}
