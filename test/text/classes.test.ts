// Labels that cannot be classes, and numbers for classes that have names.
import { describe, expect, it } from 'vitest'
import { classProblems } from '../../src/text/classes.js'
import { labelFinder, labelIds } from '../../src/text/labels.js'

type Label = string | number

const many = (n: number, name: (i: number) => Label) => Array.from({ length: n }, (_, i) => name(i))

describe('labels as classes', () => {
  it.each<[string, Label[], number, string]>([
    ['-1 of SNLI', [0, 1, 2, -1, 0, 1, 2], 3, 'label -1 stands beside 0, 1 and 2'],
    ['fractions', ['4.750', '3.2', '4.750', '3.2'], 0, 'label 4.750 is no whole number'],
    ['fractions in JSON', [1, 0.5, 1, 0.5], 1, 'label 0.5 is no whole number'],
    [
      'case alone',
      ['Positive', 'positive', 'Positive', 'negative'],
      1,
      'labels "Positive" and "positive" differ in case',
    ],
    ['spaces alone', ['not good', 'not  good', 'x', 'x'], 1, 'differ in case or spaces'],
    ['missing values', ['1', '0', 'nan', '1', '0'], 2, 'label "nan" is a missing value'],
    [
      'texts',
      ['the film is good', 'a bad film', 'a great film'],
      -1,
      '3 different labels in 3 rows, and they read like texts',
    ],
    ['numbers of rows', many(30, (i) => i), -1, '30 different labels in 30 rows'],
  ])('%s are refused', (_, labels, row, reason) => {
    const [first] = classProblems(labels)
    expect([first.row, first.reason, first.refused]).toEqual([row, expect.stringContaining(reason), true])
  })

  it.each<[string, Label[]]>([
    ['-1, 0 and 1', [-1, 0, 1, -1, 0, 1]],
    ['three classes of three rows', ['a', 'b', 'c']],
  ])('%s are warned of', (_, labels) => {
    expect(classProblems(labels).map(({ refused }) => refused)).toEqual([false])
  })

  it.each<[string, Label[]]>([
    ['names', ['no', 'yes', 'no']],
    ['numbers', [10, 9, 10, 9]],
    ['-1 and 1', ['-1', '1', '-1']],
    ['names with fractions among them', ['v1.5', '1.5', 'v1.5', '1.5']],
    ['a thousand of two rows each', many(2000, (i) => `class ${i % 1000}`)],
    ['two rows', ['a', 'b']],
    ['none of them', ['none', 'some', 'none']],
  ])('%s are classes', (_, labels) => {
    expect(classProblems(labels)).toEqual([])
  })
})

describe('numbers of classes', () => {
  it('are those that the names begin with', () => {
    const find = labelFinder(['1 star', '2 stars', '3 stars', '4 stars', '5 stars'])
    expect(['1', 5, '2 stars', '0', '6', 'star'].map(find)).toEqual([0, 4, 1, null, null, null])
    expect(labelFinder(['0: no', '1: yes'])(1)).toBe(1)
    expect(labelFinder(['2nd', '1st'])('1')).toBe(1)
    // Numbers that are parts of a name, or not all names', count nothing.
    expect(labelFinder(['1.5 x', '2.5 x'])('1')).toBe(1)
    expect(labelFinder(['3 good', 'bad'])('1')).toBe(1)
  })

  it('count from 0 otherwise, and the error says so', () => {
    expect(labelFinder(['neg', 'pos'])('1')).toBe(1)
    expect(() => labelIds(['2'], ['neg', 'pos'], 'f', [7])).toThrow(
      'f:7: label "2" is none of the 2 known: "neg", "pos". A number counts the names from 0, to 1',
    )
    expect(() => labelIds(['x'], ['neg', 'pos'], 'f', [7])).toThrow(/none of the 2 known: "neg", "pos"$/)
    expect(() => labelIds(['6'], ['1 star', '2 stars'], 'f', [7])).toThrow(/"2 stars"$/)
  })
})
