// Questions and their texts: windows and places held to transformers.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import '../../src/index.js'
import { tensor } from '../../src/autograd/create.js'
import type { LossContext } from '../../src/distill/plan/loss.js'
import { lossTable } from '../../src/distill/plan/loss-table.js'
import { DataError } from '../../src/errors.js'
import { loadTokenizer } from '../../src/files/models/on-disk.js'
import type { PiecedTokenizer } from '../../src/text/pieces/base.js'
import { questionData } from '../../src/text/questions/data.js'
import { placing } from '../../src/text/questions/placed-pieces.js'
import { questionSetIn } from '../../src/text/questions/read.js'
import { windowsOf } from '../../src/text/questions/windows.js'
import { bestAnswer, surestAnswer } from '../../src/train/questions/best.js'
import { answerScore } from '../../src/train/questions/figures.js'
import { everyTask } from '../../src/train/tagging/tasks.js'

const golden = join(import.meta.dirname, '../golden')
type GoldenWindow = [
  ids: number[],
  types: number[],
  first: number,
  last: number,
  offsets: [number, number][],
  place: number[],
]
type WindowCase = [
  question: string,
  context: string,
  answer: string,
  begin: number,
  most: number,
  stride: number,
  windows: GoldenWindow[],
]
const cases = JSON.parse(readFileSync(join(golden, 'qa/cases.json'), 'utf8')) as {
  windows: Record<string, WindowCase[]>
  best: [string, GoldenPart[], number, number, boolean, number, string][]
  sure: [number, [string, number, number, number]][]
}
type GoldenPart = [number[], number[], ([number, number] | null)[]]

describe('windows', () => {
  it.each(Object.keys(cases.windows))('%s: ids, types and places are those of transformers', (name) => {
    const tokenizer = loadTokenizer(join(golden, name)) as PiecedTokenizer
    const place = placing(tokenizer)
    for (const [question, context, , , maxLength, docStride, windows] of cases.windows[name]) {
      // Python counts code points.
      const units = [0]
      for (const char of context) units.push(units[units.length - 1] + char.length)
      const tokens = place(context)
      expect([...tokens.ids], context).toEqual([...tokenizer.pieces(context)])
      const own = windowsOf(tokenizer, tokenizer.pieces(question), tokens, { maxLength, docStride })
      expect(
        own.map(({ ids, typeIds, first, length, from }) => [
          ...[[...ids], [...typeIds], first, first + length - 1],
          Array.from({ length }, (_, i) => [tokens.starts[from + i], tokens.ends[from + i]]),
        ]),
        `${context} ${maxLength}`,
      ).toEqual(
        windows.map(([ids, types, first, last, offsets]) => [
          ...[ids, types, first, last],
          offsets.map((pair) => pair.map((at) => units[at])),
        ]),
      )
    }
  })
})

describe('places', () => {
  it.each(Object.keys(cases.windows))('%s: what is learnt of a window is what run_qa learns', (name) => {
    const tokenizer = loadTokenizer(join(golden, name)) as PiecedTokenizer
    for (const [question, context, text, , maxLength, docStride, windows] of cases.windows[name]) {
      const start = context.indexOf(text)
      const own = { id: '1', question, context, answers: [{ text, start }] }
      const { spans, size } = questionData([own], { docStride }, tokenizer, maxLength)
      const rows = Int32Array.from({ length: size }, (_, i) => i)
      const [begin, end] = [0, 1].map((k) => windows.map(([, , , , , place]) => place[k]))
      expect([...spans!.labels(rows)], `${context} ${maxLength}`).toEqual([...begin, ...end])
    }
  })
})

it('white space at the ends of answers is not learnt', () => {
  const tokenizer = loadTokenizer(join(golden, Object.keys(cases.windows)[0])) as PiecedTokenizer
  const context = 'they say she lives there now '
  const placesOf = (...answers: string[]) => {
    const each = answers.map((text, i) => ({
      ...{ id: `${i}`, question: 'who', context, answers: [{ text, start: context.indexOf(text) }] },
    }))
    const { spans } = questionData(each, {}, tokenizer, 64)
    return answers.map((_, row) => [...(spans?.labels(Int32Array.of(row)) ?? [])])
  }
  const [bare, led, trailed, end, ended] = placesOf('she', ' she', 'she ', 'there now', 'there now ')
  expect([led, trailed, ended]).toEqual([bare, bare, end])
  expect(bare[0]).toBeGreaterThan(0)
})

describe('figures', () => {
  it('are those of SQuAD', () => {
    const figures = JSON.parse(readFileSync(join(golden, 'qa/figures.json'), 'utf8')) as [
      string,
      string[],
      number,
      number,
    ][]
    for (const [said, gold, exactMatch, f1] of figures) {
      const own = answerScore(said, gold)
      expect(own.exactMatch, JSON.stringify([said, gold])).toBe(exactMatch)
      expect(own.f1, JSON.stringify([said, gold])).toBeCloseTo(f1, 12)
    }
  })

  const given = (parts: GoldenPart[]) => {
    const starts = [0]
    for (const [z] of parts) starts.push(starts[starts.length - 1] + z.length)
    return {
      starts,
      logits: parts.flatMap(([b, e]) => b.flatMap((z, i) => [z, e[i]])),
      windows: parts.map(([, , offsets]) => {
        const own = offsets.filter((pair) => pair !== null)
        const [a, b] = [0, 1].map((k) => Int32Array.from(own, (pair) => pair[k]))
        return { question: 0, first: offsets.findIndex((pair) => pair !== null), starts: a, ends: b }
      }),
    }
  }

  it('are of the answer that run_qa takes, and the pipeline', () => {
    for (const [context, parts, best, longest, none, threshold, said] of cases.best) {
      const own = given(parts)
      const rows = [...parts.keys()]
      expect(bestAnswer(own, rows, { context }, { best, longest, none, threshold })).toBe(said)
    }
    for (const [i, [answer, start, end, score]] of cases.sure) {
      const [context, parts, , longest, none] = cases.best[i]
      const own = surestAnswer(given(parts), [...parts.keys()], { context }, { longest, none, threshold: 0 })
      expect(own).toMatchObject({ answer, start, end })
      expect(own.score).toBeCloseTo(score, 12)
    }
  })

  it('judge a set: of all questions, and of those with and without an answer', () => {
    const tokenizer = loadTokenizer(join(golden, 'tagging/bert')) as PiecedTokenizer
    const context = 'a is it'
    const asked = (answers: { text: string; start: number }[]) => ({
      id: '',
      question: 'what',
      context,
      answers,
    })
    const data = questionData([asked([{ text: 'is', start: 2 }]), asked([])], {}, tokenizer, 40)
    const { windows } = data.spans!
    const starts = data.answers!.starts
    const sure = (row: number, place: number) => {
      const n = starts[row + 1] - starts[row]
      return Array.from({ length: n }, (_, i) => (i === place ? [9, 9] : [0, 0])).flat()
    }
    const is = windows[0].first + windows[0].starts.indexOf(2)
    const judged = everyTask.spans.judge([...sure(0, is), ...sure(1, 0)], data, [])
    expect(judged.figures).toMatchObject({ f1: 1, exactMatch: 1 })
    expect(judged.figures.loss).toBeLessThan(0.01)
    const wrong = everyTask.spans.judge([...sure(0, 0), ...sure(1, is)], data, [])
    expect(wrong.figures).toMatchObject({ f1: 0, exactMatch: 0 })
    expect(judged.each).toMatchObject({ answered: { f1: 1, questions: 1 }, unanswerable: { exactMatch: 1 } })
    const { over, of } = everyTask.spans.shares!([...sure(0, is), ...sure(1, is)], data, [])
    expect([...over].map((n, i) => n / of[i])).toEqual([1, 0])
  })
})

describe('soft targets', () => {
  it('are of each window, without padding: run_squad_w_distillation', () => {
    const tokenizer = loadTokenizer(join(golden, 'tagging/bert')) as PiecedTokenizer
    const asked = (context: string) => ({
      id: '',
      question: 'what',
      context,
      answers: [{ text: 'is', start: 2 }],
    })
    const data = questionData(
      [asked('a is it'), asked('a is'), asked('a is unbelievable')],
      {},
      tokenizer,
      40,
    )
    const rows = Int32Array.of(2, 0, 1)
    const lengths = Array.from(rows, (row) => data.tokens(Int32Array.of(row)))
    expect(new Set(lengths).size).toBe(3)
    const M = lengths.reduce((a, b) => a + b)
    const [z, zt] = [1, 2].map((k) => Float32Array.from({ length: 2 * M }, (_, i) => Math.sin(i * k + k) * 3))
    const { shaped, labels } = data.spans!
    const [student, teacher] = [z, zt].map((own) => ({
      logits: shaped(tensor(own, { shape: [M, 2] }), rows),
    }))
    const context = {
      student,
      teacher,
      labels: tensor(labels(rows)),
      task: 'classes',
      input: {},
    } as unknown as LossContext
    const at = { file: 'x', where: 'x' }
    const [soft, hard] = (['soft', 'hard'] as const).map((name) =>
      lossTable[name]
        .bind(name === 'soft' ? { T: 2 } : {}, at)
        .compute(context, null)!
        .item(),
    )
    const logSoftmax = (own: number[]) => {
      const sum = Math.log(own.reduce((total, x) => total + Math.exp(x), 0))
      return own.map((x) => x - sum)
    }
    const want = [0, 0]
    let before = 0
    lengths.forEach((length, b) => {
      for (const k of [0, 1]) {
        const column = (own: Float32Array, T: number) =>
          logSoftmax(Array.from({ length }, (_, i) => own[2 * (before + i) + k] / T))
        const [p, q] = [column(zt, 2), column(z, 2)]
        want[0] += (4 * p.reduce((sum, x, i) => sum + Math.exp(x) * (x - q[i]), 0)) / 6
        want[1] -= column(z, 1)[labels(rows)[k * 3 + b]] / 6
      }
      before += length
    })
    expect(soft).toBeCloseTo(want[0], 5)
    expect(hard).toBeCloseTo(want[1], 5)
  })
})

describe('files', () => {
  const row = {
    id: 1,
    question: ' q \u{1f600}',
    context: 'a \u{1f600} b b',
    answers: { text: ['b'], answer_start: [4] },
  }
  const { context, question: asked } = row
  const document = {
    data: [
      { paragraphs: [{ context, qas: [{ question: asked, answers: [{ text: 'b', answer_start: 5 }] }] }] },
    ],
  }

  it('count code points, and take the nearest place', () => {
    const [own] = questionSetIn(JSON.stringify(row), 'x.jsonl').questions.each
    expect(own).toEqual({ ...own, question: 'q \u{1f600}', answers: [{ text: 'b', start: 5 }] })
    const notes: string[] = []
    const [far] = questionSetIn(JSON.stringify(document), 'x.json', { note: (line) => notes.push(line) })
      .questions.each
    expect(far.answers).toEqual([{ text: 'b', start: 5 }])
    expect(notes).toEqual([expect.stringContaining('1 of 1 answers do not begin where')])
    expect(questionSetIn(JSON.stringify([row, row]), 'x.json').texts).toHaveLength(2)
    expect(questionSetIn(`${JSON.stringify(row)}\n${JSON.stringify(row)}\n`, 'x.json').texts).toHaveLength(2)
    expect(questionSetIn(JSON.stringify({ data: [row] }), 'x.json').texts).toHaveLength(1)
  })

  it('that are broken are read or refused in one line', () => {
    let state = 7
    const roll = (n: number) => {
      state = (state * 48_271) % 2_147_483_647
      return state % n
    }
    const parts = [
      'null',
      '{}',
      '[]',
      '-1',
      '1e9',
      '""',
      '"b"',
      '[[',
      ']',
      ',',
      '__proto__',
      '\u0000',
      '\ud800',
    ]
    let refused = 0
    for (let i = 0; i < 3000; i++) {
      const whole = JSON.stringify(i % 2 === 0 ? row : document)
      const at = roll(whole.length)
      const broken = whole.slice(0, at) + parts[roll(parts.length)] + whole.slice(at + roll(9))
      try {
        const { questions } = questionSetIn(broken, i % 3 === 0 ? 'x.jsonl' : 'x.json')
        for (const { answers, context: own } of questions.each)
          for (const { text, start } of answers ?? [])
            if (start >= 0) expect(own.startsWith(text, start)).toBe(true)
      } catch (error) {
        expect(error, broken).toBeInstanceOf(DataError)
        expect((error as Error).message).not.toMatch(/[\n\r\u2028]/)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(1000)
  })
})
