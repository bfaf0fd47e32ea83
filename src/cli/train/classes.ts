// The classes that a training has: those of the folder it goes on from, where its head knows the data's labels.
import { statSync } from 'node:fs'
import { classesOf } from '../../files/models/pretrained.js'
import { shown } from '../../formats/json.js'
import { labelFinder } from '../../text/labels.js'

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

/**
 * `found`: the data's labels. A head keeps its classes in their order where all labels are names of its, or where there are as
 * many of both and each label is the number of one; it is drawn anew otherwise. Throws CheckpointError for a folder that is none.
 */
export function trainedClasses(source: string, found: readonly string[]): TrainedClasses {
  const folder = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true
  const head = folder ? classesOf(source) : null
  if (head === null) return { names: found, newHead: folder, notes: [] }
  const twice = new Set(head).size < head.length
  if (!twice && found.every((name) => head.includes(name))) {
    const without = head.filter((name) => !found.includes(name))
    const notes = [`classes of ${source} that no row of --train has: ${some(without)}; they are kept`]
    return { names: head, newHead: false, notes: without.length > 0 ? notes : [] }
  }
  const find = labelFinder(head)
  const places = found.map(find)
  const numbered = !twice && found.length === head.length && !places.includes(null)
  if (numbered && new Set(places).size === head.length)
    return {
      ...{ names: head, newHead: false },
      notes: [
        `labels ${some(found)} are ${some(places.map((i) => head[i as number]))}, the classes of ${source}`,
      ],
    }
  return {
    ...{ names: found, newHead: true },
    notes: [
      `the head is drawn anew: the classes of ${source} are ${some(head)}, those of the data ${some(found)}. To keep it, give both the same names (id2label in config.json)`,
    ],
  }
}
