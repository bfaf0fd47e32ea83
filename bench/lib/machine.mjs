// What a figure depends on: machine, engine, commit, date.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'

const FLAGS = ['avx2', 'fma', 'avx512f']

function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}

/** The CPU's vector extensions, where the system tells them. */
function flags() {
  try {
    const line =
      readFileSync('/proc/cpuinfo', 'utf8')
        .match(/^flags\s*:(.*)$/m)?.[1]
        .split(/\s+/) ?? []
    return FLAGS.filter((flag) => line.includes(flag))
  } catch {
    return null
  }
}

/** `engine`: the versions of the Node that was measured, where it is another process's. */
export function machine(engine = process.versions) {
  return {
    cpu: cpus()[0].model.trim(),
    cores: availableParallelism(),
    flags: flags(),
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: engine.node,
    v8: engine.v8,
    commit: git('rev-parse', '--short', 'HEAD'),
    changed: git('status', '--porcelain', '--', 'src') !== '',
    date: new Date().toISOString().slice(0, 10),
  }
}

/** One line for people. */
export function describe({ cpu, cores, flags, memoryGB, node, commit, date }) {
  const vectors = flags === null ? '' : `, ${flags.join(' ')}`
  return `${cpu}, ${cores} cores${vectors}, ${memoryGB} GB, Node ${node}, commit ${commit ?? 'unknown'}, ${date}`
}
