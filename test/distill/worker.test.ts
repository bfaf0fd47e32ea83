// A distillation as a job: the files of the command line, byte for byte, and its handle, here and behind messages.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type DistilJob,
  describeJob,
  distilInWorker,
  type JobJudged,
  type JobStep,
  jobRecipes,
  runDistillation,
  Stopped,
  serveDistillation,
} from '../../src/distill/worker/index.js'
import { Lanes } from '../../src/distill/worker/lanes.js'
import { reviews, run } from '../cli/program.js'

const folder = mkdtempSync(join(tmpdir(), 'tinystill-worker-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const rows = reviews(96)
const transfer = rows.map(([text]) => `it is said that ${text}`)
const size = (layers: number, width: number) => ({
  ...{ layers, width, heads: 2, inner: 2 * width, maxLength: 40 },
})
const configOf = ({ layers, width, heads, inner, maxLength }: ReturnType<typeof size>) =>
  JSON.stringify({
    ...{ model_type: 'bert', hidden_size: width, num_hidden_layers: layers, num_attention_heads: heads },
    ...{ intermediate_size: inner, max_position_embeddings: maxLength },
  })
const labelled = { texts: rows.map(([text]) => text), labels: rows.map(([, label]) => label) }
const settings = { T: 3, alpha: 0.8, epochs: 2, lr: 0.005, stages: { alone: { lr: 0.005 } } }
const job: DistilJob = {
  ...{ labelled, dev: labelled, transfer, settings, augment: 20, vocabSize: 200, seed: 5 },
  teacher: { size: size(2, 32), train: { epochs: 3, lr: 0.005 } },
  student: size(1, 16),
}

/** The files of a folder that a job gives too. */
const written = (name: string, files: Record<string, Uint8Array>) =>
  Object.fromEntries(
    Object.keys(files).map((file) => [file, new Uint8Array(readFileSync(at(join(name, file))))]),
  )

beforeAll(async () => {
  writeFileSync(at('train.tsv'), rows.map((row) => row.join('\t')).join('\n'))
  writeFileSync(at('transfer.txt'), transfer.join('\n'))
  writeFileSync(at('teacher.json'), configOf(size(2, 32)))
  writeFileSync(at('student.json'), configOf(size(1, 16)))
  writeFileSync(at('settings.json'), JSON.stringify(settings))
  const data = ['--train', at('train.tsv'), '--dev', at('train.tsv'), '--seed', '5', '--quiet']
  const train = ['--model', at('teacher.json'), '--vocab-size', '200', '--epochs', '3', '--lr', '0.005']
  expect((await run('train', ...train, ...data, '--out', at('teacher'))).err).toBe('')
  const distil = ['--recipe', 'hinton', '--teacher', at('teacher'), '--student', at('student.json')]
  const more = ['--transfer', at('transfer.txt'), '--augment', '20', '--config', at('settings.json')]
  expect((await run('distill', ...distil, ...data, ...more, '--baseline', '--out', at('student'))).code).toBe(
    0,
  )
})

describe('a job', () => {
  it('gives the files of the command line, teacher and student, byte for byte', async () => {
    const { teacher, student, alone, facts } = await runDistillation(job, { looks: 3 }).result
    expect(teacher.files).toEqual(written('teacher', teacher.files))
    expect(student.files).toEqual(written('student', student.files))
    expect(Object.keys(student.files)).toContain('model.safetensors')
    const record = JSON.parse(readFileSync(at('student/run.json'), 'utf8'))
    expect(facts.text).toBe(record.plan)
    expect(facts.parameters.student).toBe(record.models.distilled.params)
    expect(student.figures?.accuracy).toBe(record.models.distilled.accuracy)
    expect(alone?.figures?.accuracy).toBe(record.models.alone.accuracy)
    expect(alone?.figures?.loss).toBe(record.models.alone.loss)
  })

  it('takes a teacher out of files, and gives the same student', async () => {
    const first = await runDistillation({ ...job, alone: false }).result
    const again = await runDistillation({ ...job, alone: false, teacher: { files: first.teacher.files } })
      .result
    expect(again.student.files).toEqual(first.student.files)
    expect(again.teacher.files).toEqual({})
  })

  it('trains both students in step, and holds, steps and ends them', async () => {
    const steps: JobStep[] = []
    const judged: JobJudged[] = []
    const of = (who: string) => steps.filter((step) => step.who === who)
    let held = () => {}
    const paused = new Promise<void>((resolve) => {
      held = resolve
    })
    const distillation = runDistillation(job, {
      looks: 2,
      onStep: (step) => {
        steps.push(step)
        if (of('student').length !== 2) return
        distillation.pause()
        held()
      },
      onJudged: (it) => judged.push(it),
    })
    const still = async () => {
      for (let n = -1; n !== steps.length; ) {
        n = steps.length
        await new Promise((go) => setTimeout(go, 500))
      }
    }
    await paused
    await still()
    const before = steps.length
    expect(Math.abs(of('student')[1].done - (of('alone').at(-1)?.done ?? 0))).toBeLessThan(0.5)
    distillation.step(3)
    await still()
    expect(steps.length - before).toBeGreaterThanOrEqual(1)
    expect(steps.length - before).toBeLessThanOrEqual(4)
    const { student, alone, teacher } = await distillation.answers(['a fine film', 'a dull plot'])
    for (const logits of [student, alone, teacher]) expect(logits?.length).toBe(4)
    const { student: attention } = await distillation.attention('a fine film')
    expect(attention?.maps[0].length).toBe(2 * (attention?.words.length ?? 0) ** 2)
    distillation.stop()
    const result = await distillation.result
    expect(result.student.figures).not.toBeNull()
    expect(of('student').at(-1)?.done).toBeLessThan(1)
    expect(judged.some(({ who, counts }) => who === 'teacher' && !counts)).toBe(true)
  })

  it('stopped before there is a student, rejects with Stopped', async () => {
    const distillation = runDistillation(job, { onStep: () => distillation.stop() })
    await expect(distillation.result).rejects.toBeInstanceOf(Stopped)
  })

  it('behind messages gives the same files, answers and errors', async () => {
    const here = await runDistillation(job).result
    const { port1, port2 } = new MessageChannel()
    serveDistillation(port2 as unknown as Parameters<typeof serveDistillation>[0])
    try {
      const seen = new Set<string>()
      const there = distilInWorker(port1 as never, job, {
        onFacts: (facts, threads) => {
          expect(facts).toEqual(here.facts)
          expect(threads).toBeGreaterThanOrEqual(1)
        },
        onPhase: (phase) => seen.add(phase),
        onStep: ({ who }) => void seen.add(`${who} steps`),
      })
      const result = await there.result
      expect(result).toEqual(here)
      expect([...seen]).toEqual(
        expect.arrayContaining(['teacher', 'answers', 'student', 'alone', 'student steps']),
      )
      expect((await there.answers(['a fine film'])).student?.length).toBe(2)
      const bad = distilInWorker(port1 as never, { ...job, settings: { heat: 2 } })
      await expect(bad.result).rejects.toThrow(/settings: heat/)
    } finally {
      port1.close()
      ;(port2 as MessagePort).close()
    }
  })

  it.each([
    ['a recipe that is none', { recipe: 'magic' }, /recipe must be one of hinton/],
    ['a dev label that is no class', { dev: { texts: ['x'], labels: ['so so'] } }, /dev:1: label "so so"/],
    [
      'too few labels',
      { labelled: { texts: ['x', 'y'], labels: ['good'] } },
      /labelled: 2 texts have 1 labels/,
    ],
    ['no rows', { labelled: { texts: [], labels: [] } }, /labelled/],
    [
      'a pickle',
      { teacher: { files: { 'config.json': '{"model_type": "bert"}', 'pytorch_model.bin': '' } } },
      /pytorch_model.bin/,
    ],
    ['a size that is none', { student: { ...size(1, 16), heads: 3 } }, /heads|width/],
  ])('refuses %s', async (_, change, complaint) => {
    await expect(runDistillation({ ...job, ...(change as Partial<DistilJob>) }).result).rejects.toThrow(
      complaint,
    )
  })

  it('is described without its texts', () => {
    const counts = { labelled: 100, transferRows: 900, variedRows: 0, textRows: 0 }
    const told = describeJob({ settings: { T: 4, epochs: 3 }, dev: labelled }, counts)
    expect(told.stages).toEqual([
      { name: 'distil', steps: 96, formula: '4^2 KL(softmax(z_t/4) || softmax(z_s/4))' },
    ])
    expect(told.alone.map(({ name }) => name)).toContain('alone')
    expect(jobRecipes).toContain('hinton')
  })
})

describe('lanes', () => {
  it('let nobody get ahead of another, and wake those that wait', async () => {
    const lanes = new Lanes()
    lanes.enter('a', 'b')
    const order: string[] = []
    const go = async (name: string, n: number) => {
      for (let i = 1; i <= n; i++) {
        order.push(`${name}${i}/${n}`)
        await lanes.pass(name, i / n)
      }
      lanes.leave(name)
    }
    await Promise.all([go('a', 2), go('b', 6)])
    expect(order.indexOf('a2/2')).toBeGreaterThan(order.indexOf('b3/6'))
    expect(order).toHaveLength(8)
  })
})
