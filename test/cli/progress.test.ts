// Progress, with a stream that remembers and a clock that is set by hand.
import { describe, expect, it } from 'vitest'
import { createProgress } from '../../src/cli/shared/progress.js'

function bench(stream: { isTTY?: boolean; columns?: number }, quiet = false) {
  const writes: string[] = []
  const clock = { ms: 5000 }
  const progress = createProgress(
    { ...stream, write: (s) => void writes.push(s) },
    { quiet, now: () => clock.ms },
  )
  return { writes, clock, progress }
}

describe('on a terminal', () => {
  it('redraws one line and replaces it at the end', () => {
    const { writes, clock, progress } = bench({ isTTY: true, columns: 100 })
    progress.start('teacher', 200)
    clock.ms += 30_000
    progress.update(50, { loss: '0.312', 'tokens/s': '12,345' })
    clock.ms += 90_000
    progress.update(200, { loss: '0.1' })
    progress.finish('teacher: 84.1% in 2 min 00 s')
    expect(writes).toEqual([
      '\rteacher [                    ]   0%\x1b[K',
      '\rteacher [=====               ]  25%  1 min 30 s left  loss 0.312  tokens/s 12,345\x1b[K',
      '\rteacher [====================] 100%  loss 0.1\x1b[K',
      '\r\x1b[K',
      'teacher: 84.1% in 2 min 00 s\n',
    ])
  })

  it('redraws ten times a second at most', () => {
    const { writes, clock, progress } = bench({ isTTY: true })
    progress.start('x', 2000)
    for (let i = 1; i <= 2000; i++) {
      clock.ms += 1
      progress.update(i, {})
    }
    expect(writes.length).toBe(1 + 20)
  })

  it.each([10, 40, 80])('never reaches column %i', (columns) => {
    const { writes, clock, progress } = bench({ isTTY: true, columns })
    progress.start('a label that is long enough to be cut at some widths', 10)
    clock.ms += 1000
    progress.update(3, { 'a field': 'with a value', another: 'with more' })
    for (const line of writes) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are sent
      expect(line).toMatch(/^\r.*…\x1b\[K$|^\r[^…]{1,79}\x1b\[K$/)
      expect(line.length - '\r\x1b[K'.length).toBeLessThan(columns)
    }
  })

  it('tells of work in the middle, and goes on', () => {
    const { writes, clock, progress } = bench({ isTTY: true, columns: 60 })
    progress.start('alone', 10)
    for (const done of [1000, 2000, 3000]) {
      clock.ms += 60
      progress.aside('judging dev', done, 6920)
    }
    clock.ms += 100
    progress.update(5, {})
    expect(writes.slice(1)).toEqual([
      '\rjudging dev: 2,000 of 6,920\x1b[K',
      '\ralone [==========          ]  50%  0.3 s left\x1b[K',
    ])
  })

  it('takes 80 columns where the terminal does not say', () => {
    const { writes, progress } = bench({ isTTY: true, columns: 0 })
    progress.start('x'.repeat(200), 1)
    expect(writes).toEqual([`\r${'x'.repeat(78)}…\x1b[K`])
  })

  it('only clears when there is nothing to say at the end', () => {
    const { writes, progress } = bench({ isTTY: true })
    progress.start('x', 1)
    progress.finish('')
    expect(writes.slice(1)).toEqual(['\r\x1b[K'])
  })

  it('can be used for one task after another', () => {
    const { writes, clock, progress } = bench({ isTTY: true })
    progress.start('one', 10)
    progress.finish('')
    clock.ms += 1000
    progress.start('two', 4)
    clock.ms += 1000
    progress.update(2, {})
    expect(writes[writes.length - 1]).toBe('\rtwo [==========          ]  50%  1.0 s left\x1b[K')
  })
})

describe('elsewhere', () => {
  it('writes a line at the start, at each tenth and at the end', () => {
    const { writes, clock, progress } = bench({})
    progress.start('student', 1000)
    for (let i = 1; i <= 1000; i++) {
      clock.ms += 4
      progress.update(i, { loss: String(i) })
    }
    progress.finish('done')
    expect(writes.slice(0, 3)).toEqual([
      'student\n',
      'student  10%  3.6 s left  loss 100\n',
      'student  20%  3.2 s left  loss 200\n',
    ])
    expect(writes.slice(-2)).toEqual(['student  90%  0.4 s left  loss 900\n', 'done\n'])
    expect(writes.length).toBe(11)
  })

  it('writes a line of work in the middle after 10 s, and no sooner', () => {
    const { writes, clock, progress } = bench({})
    progress.start('student', 1000)
    for (let done = 1; done <= 25; done++) {
      clock.ms += 1000
      progress.aside('judging dev', done, 25)
    }
    expect(writes.slice(1)).toEqual(['judging dev: 10 of 25\n', 'judging dev: 20 of 25\n'])
  })

  it('writes after 10 s without a line, and no sooner', () => {
    const { writes, clock, progress } = bench({ isTTY: false })
    progress.start('slow', 1_000_000)
    for (let i = 1; i <= 25; i++) {
      clock.ms += 1000
      progress.update(i, {})
    }
    expect(writes.map((w) => w.split('  ')[0])).toEqual(['slow\n', 'slow', 'slow'])
    expect(writes[1]).toBe('slow   0%  277 h 47 min left\n')
  })

  it('does not divide by a total of nothing', () => {
    const { writes, clock, progress } = bench({})
    progress.start('empty', 0)
    clock.ms += 20_000
    progress.update(0, {})
    expect(writes).toEqual(['empty\n', 'empty   0%\n'])
  })
})

describe('everywhere', () => {
  it('lets no control character through', () => {
    for (const isTTY of [true, false]) {
      const { writes, clock, progress } = bench({ isTTY, columns: 200 })
      progress.start('a\x1b[2Jb\nc', 10)
      clock.ms += 20_000
      progress.update(5, { 'k\r': 'v\x07\u202e' })
      progress.finish('end\n\x9b')
      const bare = writes.map((w) => w.replace(/^\r/, '').replace('\x1b[K', '').replace(/\n$/, '')).join('')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the point of the test
      expect(bare).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
      expect(bare).toContain('a\\x1b[2Jb\\nc')
      expect(bare).toContain('k\\r v\\x07\\u202e')
      expect(bare).toContain('end\\n\\x9b')
    }
  })

  it('says nothing when quiet', () => {
    for (const isTTY of [true, false]) {
      const { writes, clock, progress } = bench({ isTTY }, true)
      progress.start('x', 2)
      clock.ms += 20_000
      progress.update(1, {})
      progress.finish('done')
      expect(writes).toEqual([])
    }
  })
})
