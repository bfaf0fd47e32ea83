// Whether the labels of a file can be classes, before a model is made of them.
import { shown } from '../formats/json.js'

/** Why labels cannot be classes, at the row where it shows; or what is odd about them and may be meant. */
export interface ClassProblem {
  /** Of the label in the list; -1 for the labels as a whole. */
  row: number
  reason: string
  hint: string
  refused: boolean
}

const isNumber = (text: string) => text.trim() !== '' && Number.isFinite(Number(text))
const MISSING = /^(?:nan|<na>|#n\/a)$/i
const wordsOf = (text: string) => text.trim().split(/\s+/).length

/** From so many rows on, classes of hardly a row each are no classes. */
const MANY = 20

/** What is wrong with labels as classes, the first row of each problem. */
export function classProblems(labels: readonly (string | number)[]): ClassProblem[] {
  const first = new Map<string, number>()
  labels.forEach((label, row) => {
    const name = String(label)
    if (!first.has(name)) first.set(name, row)
  })
  const names = [...first.keys()]
  const at = (name: string) => first.get(name) as number
  const problems: ClassProblem[] = []
  const add = (row: number, reason: string, hint: string, refused = true) =>
    problems.push({ row, reason, hint, refused })

  const missing = names.find((name) => MISSING.test(name))
  if (missing !== undefined)
    add(at(missing), `label ${shown(missing)} is a missing value`, 'Give the row a label, or remove it')

  const numbers = names.length > 0 && names.every(isNumber)
  const fraction = numbers ? names.find((name) => !Number.isInteger(Number(name))) : undefined
  if (fraction !== undefined)
    add(
      at(fraction),
      `label ${fraction} is no whole number`,
      'To predict numbers, ask for regression: --task regression. For classes give their names',
    )
  if (
    numbers &&
    fraction === undefined &&
    names.includes('-1') &&
    ['0', '1'].every((n) => names.includes(n))
  ) {
    const more = names.includes('2')
    add(
      at('-1'),
      `label -1 stands beside ${more ? '0, 1 and 2' : '0 and 1'}: in the hub's data sets it marks a row without label`,
      more ? 'Remove those rows' : 'Remove those rows, unless it is a class',
      more,
    )
  }
  const alike = new Map<string, string>()
  for (const name of names) {
    const folded = name.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ')
    const other = alike.get(folded)
    if (other === undefined) alike.set(folded, name)
    else {
      add(
        at(name),
        `labels ${shown(other)} and ${shown(name)} differ in case or spaces alone`,
        'Write them alike',
      )
      break
    }
  }
  if (fraction === undefined) problems.push(...tooMany(names, labels.length))
  return problems
}

/** Nearly as many classes as rows: texts or the numbers of rows in place of labels. */
function tooMany(names: readonly string[], rows: number): ClassProblem[] {
  if (names.length < 3 || names.length <= rows / 2) return []
  const words = names.reduce((sum, name) => sum + wordsOf(name), 0) / names.length
  const texts = words > 2.5
  return [
    {
      row: -1,
      reason: `${names.length} different labels in ${rows} rows${texts ? ', and they read like texts' : ''}`,
      hint: `Is the label another column? --label-column and --text-column name them${names.every(isNumber) ? '; to predict numbers: --task regression' : ''}`,
      refused: texts || (rows >= MANY && names.length > 0.8 * rows),
    },
  ]
}
