// What is not as it must be, each told by one line that names it, and nothing published is lost.
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PASSWORD, startStore } from './store.mjs'
import { published, root, startWorker, tinystill } from './world.mjs'

export function refusals({ folder, store, run, add, must, rows, shard }) {
  const at = (...names) => join(folder, ...names)
  /** One line with these words, and exit code 1, or 2 where the command line itself is wrong. */
  const refuses = (said, ...words) => refusesBy(1, said, ...words)
  const refusesBy = (code, { status, stderr }, ...words) => {
    const lines = stderr.trim().split('\n')
    must(status === code && lines.length === 1, `exit ${status}: ${stderr}`)
    for (const word of words) must(stderr.includes(word), `${stderr.trim()} lacks ${word}`)
    must(!stderr.includes(PASSWORD), 'the password is shown')
    return lines[0]
  }
  /** What the queue says of a run whose parts all fail. */
  const failing = async (word, { lease = '30' } = {}) => {
    const worker = startWorker(folder, store.url, ['--until-done', '--lease', lease])
    const code = await worker.ended
    const said = worker.said()
    must(code === 1 && said.includes(word), `exit ${code}: ${said}`)
    const { failures } = JSON.parse(run('queue', 'status', '--json').stdout)
    must(
      failures.length > 0 && failures.every(({ reason }) => !reason.includes('\n')),
      JSON.stringify(failures),
    )
    must(
      failures.some(({ reason }) => reason.includes(word)),
      JSON.stringify(failures),
    )
    must(!said.includes(PASSWORD), 'the password is shown')
    run('queue', 'drain')
    return failures[0].reason
  }
  /** A run of the first two parts alone. */
  const few = (name) => {
    const plan = JSON.parse(readFileSync(at('parts/plan.json'), 'utf8'))
    mkdirSync(at(name))
    plan.parts = plan.parts.slice(0, 2)
    plan.rows = 2 * rows
    for (const { file } of plan.parts) cpSync(at('parts', file), at(name, file))
    writeFileSync(at(name, 'plan.json'), JSON.stringify(plan))
  }
  const addOf = (parts, out, teacher = 'bert') =>
    run('queue', 'add', '--teacher', teacher, '--parts', parts, '--out', out, '--shard-rows', shard, '--json')

  return [
    [
      'a wrong password',
      () => refuses(tinystill(folder, store.url.replace(PASSWORD, 'no'), 'work'), 'password'),
    ],
    [
      'no password',
      () =>
        refuses(
          tinystill(folder, store.url.replace(`:${PASSWORD}@`, ''), 'queue', 'status'),
          'asks for a password',
        ),
    ],
    [
      'no store',
      () =>
        refuses(
          tinystill(folder, `redis://:${PASSWORD}@127.0.0.1:1`, 'queue', 'drain'),
          '127.0.0.1:1',
          'ECONNREFUSED',
        ),
    ],
    [
      'an address that is none',
      () => refuses(tinystill(folder, `http://${PASSWORD}@x`, 'work'), 'TINYSTILL_QUEUE_URL'),
    ],
    [
      'a store that forgets',
      async () => {
        const forgetful = await startStore(at('forgetful'), {
          appendonly: 'no',
          'maxmemory-policy': 'allkeys-lru',
        })
        try {
          const args = [
            'queue',
            'add',
            '--teacher',
            'bert',
            '--parts',
            'parts',
            '--out',
            'caches',
            '--shard-rows',
            shard,
          ]
          const line = refuses(
            tinystill(folder, forgetful.url, ...args),
            'appendonly yes',
            'noeviction',
            '--unsafe-store',
          )
          const { status, said } = tinystill(folder, forgetful.url, ...args, '--unsafe-store')
          must(status === 0, said)
          return line
        } finally {
          await forgetful.kill()
        }
      },
    ],
    [
      'another teacher than that of published parts',
      () => refuses(addOf('parts', 'caches', 'other'), 'part-000000', 'teacher.weights'),
    ],
    [
      'a plan that is not whole',
      () => {
        mkdirSync(at('torn-plan'))
        writeFileSync(at('torn-plan/plan.json'), readFileSync(at('parts/plan.json'), 'utf8').slice(0, 300))
        return refuses(addOf('torn-plan', 'none'), 'plan.json')
      },
    ],
    [
      'folders outside the root',
      () =>
        refusesBy(
          2,
          run('queue', 'add', '--teacher', 'bert', '--parts', 'parts', '--out', 'x', '--root', 'bert'),
          '--root',
          'outside',
        ),
    ],
    [
      'a teacher that changed after it was added',
      async () => {
        few('changed')
        cpSync(at('bert'), at('turned'), { recursive: true })
        must(addOf('changed', 'changed-caches', 'turned').status === 0, 'add')
        cpSync(at('other/model.safetensors'), at('turned/model.safetensors'))
        return failing('teacher.weights')
      },
    ],
    [
      'a part that changed after it was added',
      async () => {
        few('torn')
        must(addOf('torn', 'torn-caches').status === 0, 'add')
        appendFileSync(at('torn/part-000001.jsonl'), '{"text": "new"}\n')
        const reason = await failing('part-000001.jsonl: has changed')
        must(published(at('torn-caches')).join() === 'part-000000', 'the other part is not there')
        return reason
      },
    ],
    [
      'another plan than that of the jobs',
      async () => {
        few('replanned')
        must(addOf('replanned', 'replanned-caches').status === 0, 'add')
        rmSync(at('replanned'), { recursive: true })
        run('split', '--data', 'bert/vocab.txt', '--out', 'replanned', '--rows', String(rows))
        return failing('data.sha256')
      },
    ],
    [
      'a disk that is full',
      async () => {
        mkdirSync(at('small'))
        const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12k', 'tmpfs', at('small')])
        if (mounted.status !== 0) return 'not tried: no disk can be mounted here'
        try {
          few('full')
          must(addOf('full', 'small/caches').status === 0, 'add')
          const reason = await failing('disk is full')
          must(published(at('small/caches')).length < 2, 'all was published')
          return reason
        } finally {
          spawnSync('umount', [at('small')])
        }
      },
    ],
    [
      'hostile jobs',
      async () => {
        const require = createRequire(join(root, 'packages/queue/package.json'))
        const { Queue } = require('bullmq')
        const { port, hostname } = new URL(store.url)
        const queue = new Queue('tinystill', {
          connection: { host: hostname, port: Number(port), password: PASSWORD },
        })
        symlinkSync('/etc', at('link'))
        must(add('hostile').status === 0, 'add')
        const [{ data }] = await queue.getJobs(['wait'], 0, 0, true)
        await queue.drain()
        const bad = {
          up: [{ caches: '../x' }, 'leads upwards'],
          absolute: [{ caches: '/tmp/x' }, 'absolute path'],
          link: [{ parts: 'link' }, 'by a link'],
          nul: [{ teacher: 'bert\0' }, 'no path'],
          file: [{ file: '../part-000000.jsonl' }, 'file must be'],
          part: [{ part: 1e6, file: 'part-1000000.jsonl' }, ''],
          settings: [
            { facts: { ...data.facts, settings: { ...data.facts.settings, maxLength: 1e9 } } },
            '--max-length',
          ],
          facts: [{ facts: null }, 'facts must be an object'],
        }
        for (const [name, [change]] of Object.entries(bad))
          await queue.add('part', { ...data, ...change }, { jobId: `bad-${name}` })
        await queue.add('part', 'no object', { jobId: 'bad-text' })
        await queue.close()
        // More than a worker fails in a row before it gives up: two of them.
        for (let i = 0; i < 2; i++) await startWorker(folder, store.url, ['--until-done']).ended
        const { failures } = JSON.parse(run('queue', 'status', '--json').stdout)
        must(failures.length === Object.keys(bad).length + 1, JSON.stringify(failures))
        for (const [name, [, word]] of Object.entries(bad)) {
          const { reason, attempts } = failures.find(({ job }) => job === `bad-${name}`)
          must(reason.includes(word) && attempts === 1, `${name}: ${reason}, ${attempts} tries`)
        }
        must(published(at('hostile')).length === 0, 'a hostile job was done')
        run('queue', 'drain')
        return `${failures.length} refused`
      },
    ],
  ]
}
