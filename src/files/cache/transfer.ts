// A file of texts and the cache of what a teacher said of them, as a student learns from them. Neither texts nor logits
// stay in memory: of a row there are its tokens and its place in the cache.
import { DataError } from '../../errors.js'
import type { DataSet } from '../../nn/data.js'
import type { TextInput } from '../../nn/models/input.js'
import type { Tokenizer } from '../../text/encoding.js'
import { labelFinder, labelIds, oneLabel } from '../../text/labels.js'
import { IntList, PackedTexts } from '../../text/packed.js'
import { streamTexts } from '../data/texts.js'
import { hasSeveral } from './manifest.js'
import { Places } from './places.js'
import type { CachedTargets, TeacherCache } from './reader.js'

/** Of transferSet(). */
export interface TransferOptions {
  /** The student's. */
  tokenizer: Tokenizer
  maxLength: number
  /** Whether the file's labels are to be learnt from too. Default: they are passed over. */
  labelled?: boolean
}

/**
 * The file's rows in their order, and their targets by the same numbers. Throws DataError naming the lines of rows that are
 * not in the cache, or where labelled of the first that has no label or another than the teacher's classes.
 */
export function transferSet(
  file: string,
  cache: TeacherCache,
  { tokenizer, maxLength, labelled = false }: TransferOptions,
): { data: DataSet<TextInput>; targets: CachedTargets } {
  const packed = new PackedTexts()
  const places = new Places(cache)
  const labels = new IntList()
  const idOf = labelFinder(cache.classes)
  if (labelled && cache.manifest.problemType !== 'single_label_classification')
    throw new DataError(
      cache.folder,
      'is not of a teacher of one class a text, whose labels can be learnt from here',
    )
  if (hasSeveral(cache.manifest))
    throw new DataError(
      cache.folder,
      'is of words or questions, not of texts with classes',
      'tinystill distill learns from it',
    )
  let pairs = false
  for (const { text, textB, label, line } of streamTexts(file)) {
    places.add(text, textB, line)
    packed.add(tokenizer.encode(text, textB, { maxLength }))
    pairs ||= textB !== null
    if (!labelled) continue
    if (label === null) throw new DataError(`${file}:${line}`, 'has no label')
    const one = oneLabel(label, `${file}:${line}`)
    labels.add(idOf(one) ?? labelIds([one], cache.classes, file, [line])[0])
  }
  const found = places.found(file, 'lines')
  if (found.length === 0) throw new DataError(file, 'has no rows')
  const data = packed.data(labelled ? labels.toArray() : null, tokenizer.sepId !== null || pairs)
  return { data, targets: cache.at(found) }
}
