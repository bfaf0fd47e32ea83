// The names of what a training gives: those that are asked for, those of the folder it goes on from, or the data's.
import { join } from 'node:path'
import { DataError } from '../../errors.js'
import { isFolder } from '../../files/disk.js'
import { classesOf, readModelConfig } from '../../files/models/on-disk.js'
import { headOf } from '../../formats/head.js'
import { shown } from '../../formats/json.js'
import { beginWithNumbers, labelFinder } from '../../text/labels.js'
import { everyTask, isOfWords, type TaskType } from '../../train/tagging/tasks.js'
import type { TrainOptions } from './options.js'

type Asked = Pick<TrainOptions, 'labels' | 'model'>

export interface TrainedClasses {
  /** In the order of the logits. */
  names: readonly string[]
  /** Whether a head that is there is drawn anew: its classes are others. */
  newHead: boolean
  /** For people: what becomes of the folder's classes where the data have others. */
  notes: string[]
}

const some = (names: readonly string[]) =>
  names.slice(0, 8).map(shown).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '')

/** Of one class a text or a word the data alone says which there are. */
const saidByData = (type: TaskType) => type === 'single_label_classification' || isOfWords(type)

/**
 * The names that data are read by: those of --labels; or where a folder's head does the same task already, its own in its
 * own order. undefined: the data's.
 */
export function knownNames({ labels, model }: Asked, type: TaskType): readonly string[] | undefined {
  if (type === 'spans') return undefined
  if (labels !== undefined || saidByData(type)) return labels
  const names = isFolder(model) ? classesOf(model) : null
  if (names === null) return undefined
  const head = headOf(readModelConfig(model).config, (reason) => {
    throw new DataError(join(model, 'config.json'), reason)
  })
  return head.problemType === type ? names : undefined
}

const drawnAnew = (folder: string, head: readonly string[], found: readonly string[], whose: string) =>
  `the head is drawn anew: the classes of ${folder} are ${some(head)}, those of ${whose} ${some(found)}. To keep it, give both the same names (id2label in config.json)`

/** `found`: the names that the data were read by. Throws CheckpointError for a folder that is none of a model. */
export function classesFor(
  { labels, model: source }: Asked,
  type: TaskType,
  found: readonly string[],
): TrainedClasses {
  const folder = isFolder(source)
  const head = folder ? classesOf(source, everyTask[type].kind) : null
  if (head === null) return { names: found, newHead: folder, notes: [] }
  if (saidByData(type) && labels === undefined) return likeHead(source, head, found)
  // In another order too: its rows are put into that of the names.
  const same =
    head.length === found.length &&
    new Set(head).size === head.length &&
    head.every((name) => found.includes(name))
  const whose = labels === undefined ? 'the data' : '--labels'
  return { names: found, newHead: !same, notes: same ? [] : [drawnAnew(source, head, found, whose)] }
}

/**
 * A head keeps its classes in their order where all labels are names of its, or the numbers that its names begin with, or where
 * there are as many of both and each label is the number of one; it is drawn anew otherwise.
 */
function likeHead(source: string, head: readonly string[], found: readonly string[]): TrainedClasses {
  const twice = new Set(head).size < head.length
  if (!twice && found.every((name) => head.includes(name))) {
    const without = head.filter((name) => !found.includes(name))
    const notes = [`classes of ${source} that no row of --train has: ${some(without)}; they are kept`]
    return { names: head, newHead: false, notes: without.length > 0 ? notes : [] }
  }
  const places = found.map(labelFinder(head))
  const numbered =
    !twice && !places.includes(null) && (found.length === head.length || beginWithNumbers(head))
  if (numbered && new Set(places).size === found.length)
    return {
      ...{ names: head, newHead: false },
      notes: [
        `labels ${some(found)} are ${some(places.map((i) => head[i as number]))}, the classes of ${source}`,
      ],
    }
  return { names: found, newHead: true, notes: [drawnAnew(source, head, found, 'the data')] }
}
