// tinystill join: what was made of all parts as one.
import type { Command } from 'commander'
import { makeFolder } from '../files/disk.js'
import { lockFile, lockFolder } from '../files/lock.js'
import { removeAttempts } from '../files/parts/attempt.js'
import { joinCaches } from '../files/parts/join.js'
import { joinTexts } from '../files/parts/texts.js'
import type { CommandSpec, Context } from './shared/command.js'
import { bytes, count } from './shared/table.js'

interface JoinOptions {
  parts: string
  caches?: string
  texts?: string
  out: string
}

function joinOne({ parts, out, caches, texts }: JoinOptions, { output, progress }: Context): void {
  const onPart = (done: number) => progress.aside('parts', done, done)
  if (caches !== undefined) {
    const { rows, shards } = joinCaches(parts, caches, out, onPart)
    const size = shards.reduce((n, shard) => n + shard.bytes, 0)
    output.print(`${out}: ${count(rows)} rows, ${bytes(size)} in ${count(shards.length)} shards`)
    output.json({ rows, shards: shards.length, bytes: size, out })
  } else if (texts !== undefined) {
    const { rows, bytes: size } = joinTexts(parts, texts, out, onPart)
    output.print(`${out}: ${count(rows)} rows and what was made of them, ${bytes(size)}`)
    output.json({ rows, bytes: size, out })
  }
  progress.finish('')
}

export const joinCommand: CommandSpec<JoinOptions> = {
  name: 'join',
  describe:
    'Make one cache, or one file of texts, of the parts: the bytes that one run on all of them would have written',
  options: (command: Command) =>
    command
      .requiredOption('--parts <dir>', 'what tinystill split wrote')
      .option('--caches <dir>', 'where label --parts wrote a cache for each part')
      .option('--texts <dir>', 'where augment --parts wrote texts for each part')
      .requiredOption(
        '--out <path>',
        "the cache's folder; on the same disk its files are second names of theirs. Of texts a file, .jsonl",
      ),
  run: async (options, context) => {
    const { caches, texts, out } = options
    if ((caches === undefined) === (texts === undefined))
      throw new RangeError('Give --caches or --texts, one of them')
    if (texts !== undefined && !out.endsWith('.jsonl'))
      throw new RangeError(`--out ${out}: texts are joined as .jsonl, name it so`)
    if (caches !== undefined) makeFolder(out)
    const release = caches === undefined ? lockFile(out) : lockFolder(out)
    try {
      joinOne(options, context)
      const left = removeAttempts((caches ?? texts) as string)
      if (left > 0) context.output.info(`${left} unfinished ${left === 1 ? 'attempt' : 'attempts'} removed`)
    } finally {
      release()
    }
  },
}
