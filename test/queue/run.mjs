// npm run check:queue: workers on a Redis of our own, killed and paused, the store too; the joined cache is that of one run, to
// the byte. Then what is refused. One line a check; the last is 'N passed, N failed'. `-- full`: 20,000 rows, 20 kills of
// workers, 5 pauses, 5 kills of the store, processor time beside label's, and two hosts with a link that is cut. By name
// one at a time, of the smaller size: storm (with what is refused), sweep, cost, hosts. `cost --teacher DIR --data FILE`: with a
// teacher and texts of your own, the first 20,000 lines.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { twoHosts } from './hosts.mjs'
import { refusals } from './refusals.mjs'
import { hasRedis, startStore, until } from './store.mjs'
import { storm } from './storm.mjs'
import { sweepByQueue } from './sweep.mjs'
import {
  attempts,
  bin,
  bytesOf,
  makeWorld,
  processesIn,
  published,
  root,
  startWorker,
  tinystill,
} from './world.mjs'

if (!hasRedis()) {
  console.log('check:queue skipped: there is no redis-server here (Debian: apt-get install redis-server)')
  console.log('0 passed, 0 failed')
  process.exit(0)
}

const { positionals: asked, values: given } = parseArgs({
  allowPositionals: true,
  options: { teacher: { type: 'string' }, data: { type: 'string' } },
})
const full = asked.includes('full')
const wants = (name) => full || (asked.length > 0 ? asked : ['storm']).includes(name)
const size = full
  ? { rows: 20_000, part: 100, kills: 20, pauses: 5, outages: 5 }
  : { rows: 2000, part: 50, kills: 3, pauses: 2, outages: 1 }
/** Of the storm: small parts, in small shards. Of what is measured: large ones, and a teacher that takes its time. */
const small = { parts: 'parts', whole: 'whole', teacher: 'bert', shard: String(size.part / 2) }
const large = { parts: 'large', whole: 'whole-large', teacher: 'wide', shard: '1000', data: 'long.txt' }
/** What is measured is what that many rows cost. */
const MEASURED = 20_000

let passed = 0
let failed = 0
async function check(name, work) {
  try {
    const detail = await work()
    passed++
    console.log(`ok      ${name}${detail ? `: ${detail}` : ''}`)
  } catch (error) {
    failed++
    console.log(`FAILED  ${name}: ${error.message}`)
  }
}

const must = (is, why) => {
  if (!is) throw new Error(why)
}

const built = spawnSync(process.execPath, [join(root, 'scripts/build-queue.mjs')], { stdio: 'inherit' })
if (built.status !== 0) {
  console.log('0 passed, 1 failed')
  process.exit(1)
}

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tinystill-queue-')))
await makeWorld(folder, size.rows, { bert: 48, other: 48, wide: 128 })
const store = await startStore(join(folder, 'redis'))
const run = (...args) => tinystill(folder, store.url, ...args)
/** A command line as it would be typed. */
const typed = (line) => line.split(' ')
const addArgs = (out, { parts, shard, teacher } = small) =>
  typed(`queue add --teacher ${teacher} --parts ${parts} --out ${out} --shard-rows ${shard} --json`)
const add = (out, kind) => run(...addArgs(out, kind))
const labelArgs = ({ whole, shard, teacher, data = 'data.txt' }) =>
  typed(`label --teacher ${teacher} --data ${data} --shard-rows ${shard} --threads 1 --out ${whole}`)

/** Seconds of everything that these command lines start, side by side: of processors together, and on the clock. */
function timed(...lines) {
  const script = `TIMEFORMAT="%U %S %R"; status=0
time { for line in "$@"; do $line & all="$all $!"; done; for one in $all; do wait $one || status=1; done; }; exit $status`
  const words = lines.map((args) => [process.execPath, bin, ...args, '--quiet'].join(' '))
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...words], {
    ...{ cwd: folder, encoding: 'utf8', env: { ...process.env, TINYSTILL_QUEUE_URL: store.url } },
  })
  must(status === 0, stderr)
  const [user, system, clock] = stderr.trim().split('\n').at(-1).split(' ').map(Number)
  return { processor: user + system, clock }
}

const joined = (caches, out, { parts, whole } = small) => {
  const { status, said } = run('join', '--parts', parts, '--caches', caches, '--out', out)
  must(status === 0, said)
  must(bytesOf(join(folder, out)) === bytesOf(join(folder, whole)), `${out} has other bytes than ${whole}`)
  must(attempts(join(folder, caches)).length === 0, 'attempts are left')
}

const nobody = async () => {
  await until('the end of all workers', () => processesIn(folder).length === 0)
}

async function killed() {
  run(...labelArgs(small))
  await check('killed and paused, with a store that is killed too', async () => {
    const { status, said, stdout } = add('caches')
    must(status === 0 && JSON.parse(stdout).added === size.rows / size.part, said)
    must(JSON.parse(add('caches').stdout).added === 0, 'adding twice added something')
    const { workers, happened } = await storm(folder, store, size)
    const plan = size.rows / size.part
    await until('all parts', () => published(join(folder, 'caches')).length === plan, 900_000)
    for (const worker of workers) worker.child.kill('SIGTERM')
    await Promise.all(workers.map((w) => w.ended))
    joined('caches', 'joined')
    must(
      workers.every((w) => w.code === 0),
      `workers ended with ${workers.map((w) => `${w.code}: ${w.said()}`)}`,
    )
    const { kill, pause, outage } = happened
    return `${kill} kills of workers, ${pause} pauses past the lease, ${outage} kills of the store: the bytes of one run`
  })

  await check('no process is left', nobody)

  await check('a store that was emptied: adding again adds what is missing', async () => {
    must(run('queue', 'drain').status === 0, 'drain')
    rmSync(join(folder, 'caches/part-000001'), { recursive: true })
    const { added, published } = JSON.parse(add('caches').stdout)
    must(added === 1 && published === size.rows / size.part - 1, `${added} added, ${published} published`)
    const worker = startWorker(folder, store.url, ['--until-done'])
    must((await worker.ended) === 0, worker.said())
    joined('caches', 'joined-again')
    const status = JSON.parse(run('queue', 'status', '--json').stdout)
    must(
      status.jobs.done === 1 && status.rowsPerSecond > 0 && status.secondsLeft === 0,
      JSON.stringify(status),
    )
  })
}

/** By what is given, or by what is made up: as many rows of one line each. */
function measured() {
  if (given.teacher !== undefined) cpSync(given.teacher, join(folder, 'given'), { recursive: true })
  const lines = readFileSync(given.data ?? join(folder, 'data.txt'), 'utf8').split('\n')
  writeFileSync(join(folder, large.data), [...new Set(lines)].slice(0, MEASURED).join('\n'))
  run(...typed(`split --data ${large.data} --out large --rows 2000`))
  return given.teacher === undefined ? large : { ...large, teacher: 'given' }
}

async function cost() {
  const kind = measured()
  const worker = typed('work --until-done --threads 1')
  const label = timed(labelArgs(kind))
  add('one', kind)
  const one = timed(worker)
  joined('one', 'joined-one', kind)
  add('two', kind)
  const two = timed(worker, worker)
  joined('two', 'joined-two', kind)
  // Figures, and no verdict: what else the machine does is in them.
  const s = ({ processor, clock }) => `${processor.toFixed(1)} s, ${clock.toFixed(1)} on the clock`
  const more = ({ processor }) => `${(100 * (processor / label.processor - 1)).toFixed(1)}% more`
  const times = `${(one.clock / two.clock).toFixed(2)} times as fast`
  return `processor: label ${s(label)}; a worker ${s(one)}, ${more(one)}; two ${s(two)}, ${more(two)}, ${times}`
}

async function hosts() {
  if (!existsSync(join(folder, small.whole))) run(...labelArgs(small))
  return twoHosts({
    ...{ folder, must, add: addArgs('hosts'), parts: size.rows / size.part },
    joined: () => joined('hosts', 'joined-hosts'),
  })
}

try {
  run(...typed(`split --data data.txt --out parts --rows ${size.part}`))
  if (wants('storm')) {
    await killed()
    for (const [name, work] of refusals({
      folder,
      store,
      run,
      add,
      must,
      rows: size.part,
      shard: small.shard,
    }))
      await check(name, work)
    await check('nothing that was published is lost', () => joined('caches', 'joined-last'))
  }
  if (wants('sweep')) {
    await check('12 runs of a sweep on 2 workers', () => sweepByQueue({ folder, store, must }))
    await check('no process of a sweep is left', nobody)
  }
  if (wants('cost')) await check('what a queue costs', cost)
  if (wants('hosts')) await check('two hosts, whose link is cut in the middle', hosts)
} catch (error) {
  failed++
  console.log(`FAILED  ${error.stack}`)
} finally {
  await store.kill()
  for (const pid of processesIn(folder)) process.kill(Number(pid), 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
