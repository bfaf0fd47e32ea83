// Which layers learn from which: the papers' maps, maps of one's own, and what is refused.
import { describe, expect, it } from 'vitest'
import { type LayerPair, layerMap, layerMapNames } from '../../src/distill/layer-map.js'

const teachers = (pairs: readonly LayerPair[]) => pairs.map(([, t]) => t)
const students = (pairs: readonly LayerPair[]) => pairs.map(([s]) => s)
const BASE = { student: 4, teacher: 12 }

describe('layerMap', () => {
  it("'uniform' is TinyBERT's", () => {
    const { hidden, attention } = layerMap('uniform', BASE)
    expect(students(hidden)).toEqual([0, 1, 2, 3, 4])
    expect(teachers(hidden)).toEqual([0, 3, 6, 9, 12])
    expect(students(attention)).toEqual([0, 1, 2, 3])
    expect(teachers(attention)).toEqual([2, 5, 8, 11])
    expect(teachers(layerMap('uniform', { student: 6, teacher: 12 }).attention)).toEqual([1, 3, 5, 7, 9, 11])
  })

  it("'last' and 'skip' are PKD's where the ends are left out", () => {
    expect(layerMap('last', BASE).hidden).toEqual([
      [0, 0],
      [1, 9],
      [2, 10],
      [3, 11],
      [4, 12],
    ])
    expect(teachers(layerMap('last', BASE).attention)).toEqual([8, 9, 10, 11])
    const six = { student: 6, teacher: 12 }
    expect(layerMap('skip', six).hidden).toEqual([
      [1, 2],
      [2, 4],
      [3, 6],
      [4, 8],
      [5, 10],
    ])
    expect(teachers(layerMap('last', { ...six, ends: false }).hidden)).toEqual([7, 8, 9, 10, 11])
    expect(layerMap('skip', { ...six, ends: true })).toEqual(layerMap('uniform', six))
  })

  it("'distilbert' is what its code copies, spread for other depths", () => {
    const copied = (student: number, teacher = 12) =>
      teachers(layerMap('distilbert', { student, teacher }).attention)
    expect(copied(6)).toEqual([0, 2, 4, 7, 9, 11])
    expect(teachers(layerMap('distilbert', { student: 6, teacher: 12 }).hidden)).toEqual([
      0, 1, 3, 5, 8, 10, 12,
    ])
    expect(copied(1)).toEqual([0])
    expect(copied(2)).toEqual([0, 11])
    expect(copied(12)).toEqual([...Array(12).keys()])
    for (let M = 1; M <= 24; M++) expect(new Set(copied(M, 24)).size).toBe(M)
  })

  it('takes pairs of layers, or of states and attentions apart', () => {
    const own = [
      [0, 5],
      [1, 11],
    ] as const
    expect(layerMap(own, { student: 2, teacher: 12 })).toEqual({
      attention: [
        [0, 5],
        [1, 11],
      ],
      hidden: [
        [0, 0],
        [1, 6],
        [2, 12],
      ],
    })
    expect(layerMap({ hidden: [[2, 12]] }, { student: 2, teacher: 12 })).toEqual({
      hidden: [[2, 12]],
      attention: [],
    })
  })

  it.each([
    [[[0, 12]], 'layer pair 0 is [0, 12], the student has 0 to 1, the teacher 0 to 11'],
    [[[0, 1.5]], 'layer pair 0 is [0, 1.5]'],
    [[[-1, 0]], 'layer pair 0 is [-1, 0]'],
    [[[0, 1, 2]], 'layer pair 0 is [0, 1, 2]'],
    [
      [
        [0, 1],
        [0, 1],
      ],
      'layer pair [0, 1] stands there twice',
    ],
    [[], 'there are no pairs'],
    [{ hidden: [[3, 0]] }, 'hidden pair 0 is [3, 0], the student has 0 to 2, the teacher 0 to 12'],
    [{ attention: [[0, 12]] }, 'attention pair 0 is [0, 12]'],
    [{}, 'there are no pairs'],
    ['middle', "there is no map 'middle'. There are uniform, skip, last, distilbert, and pairs"],
  ])('refuses %j', (map, text) => {
    expect(() => layerMap(map as never, { student: 2, teacher: 12 })).toThrow(text)
  })

  it('refuses depths that do not fit, with the maps that would', () => {
    expect(() => layerMap('uniform', { student: 5, teacher: 12 })).toThrow(
      "layerMap: 'uniform' needs a teacher whose depth the student's divides, 12 layers do not divide by 5. " +
        "Maps that fit: 'last' (7, 8, 9, 10, 11), 'distilbert' (0, 3, 6, 8, 11), or pairs of your own; " +
        "'uniform' fits students of 1, 2, 3, 4, 6, 12 layers",
    )
    expect(() => layerMap('skip', { student: 5, teacher: 12 })).toThrow("'skip' needs")
    for (const name of layerMapNames)
      expect(() => layerMap(name, { student: 6, teacher: 4 })).toThrow(
        'a student of 6 layers is deeper than its teacher of 4',
      )
    expect(() => layerMap('last', { student: 0, teacher: 4 })).toThrow("the student's number of layers")
    expect(() => layerMap('last', { student: 1, teacher: 2.5 })).toThrow("the teacher's number of layers")
  })
})
