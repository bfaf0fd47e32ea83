// tinystill join: the caches of all parts as one.
import type { Command } from 'commander'
import { makeFolder } from '../files/disk.js'
import { lockFolder } from '../files/lock.js'
import { removeAttempts } from '../files/parts/attempt.js'
import { joinCaches } from '../files/parts/join.js'
import type { CommandSpec } from './shared/command.js'
import { bytes, count } from './shared/table.js'

interface JoinOptions {
  parts: string
  caches: string
  out: string
}

export const joinCommand: CommandSpec<JoinOptions> = {
  name: 'join',
  describe:
    'Make one cache of the labelled parts of a split: the bytes that label would have written of the whole',
  options: (command: Command) =>
    command
      .requiredOption('--parts <dir>', 'what tinystill split wrote')
      .requiredOption('--caches <dir>', 'where label --parts wrote a cache for each part')
      .requiredOption(
        '--out <dir>',
        "the cache's folder; on the same disk its files are second names of theirs",
      ),
  run: async ({ parts, caches, out }, { output, progress }) => {
    makeFolder(out)
    const release = lockFolder(out)
    try {
      const { rows, shards } = joinCaches(parts, caches, out, (done) => progress.aside('parts', done, done))
      progress.finish('')
      const left = removeAttempts(caches)
      if (left > 0) output.info(`${left} unfinished ${left === 1 ? 'attempt' : 'attempts'} removed`)
      const size = shards.reduce((n, shard) => n + shard.bytes, 0)
      output.print(`${out}: ${count(rows)} rows, ${bytes(size)} in ${count(shards.length)} shards`)
      output.json({ rows, shards: shards.length, bytes: size, out })
    } finally {
      release()
    }
  },
}
