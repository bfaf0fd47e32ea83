// tinystill pull: a model from the Hugging Face hub.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { pull } from '../files/hub/hub.js'
import type { CommandSpec } from './shared/command.js'
import { bytes, duration, renderTable } from './shared/table.js'

interface PullOptions {
  args: string[]
  out: string
  revision: string
  cache: string
  endpoint: string
}

function defaultCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tinystill')
}

export const pullCommand: CommandSpec<PullOptions> = {
  name: 'pull',
  describe: 'Fetch a model from the Hugging Face hub; HF_TOKEN is used where it is set',
  options: (command: Command) =>
    command
      .argument('<id>', 'name of the model on the hub, owner/name')
      .requiredOption('--out <dir>', 'folder to fill')
      .option('--revision <name>', 'branch, tag or commit', 'main')
      .option('--cache <dir>', 'where files wait for the next time', defaultCache())
      .option('--endpoint <url>', 'the hub', process.env.HF_ENDPOINT || 'https://huggingface.co'),
  run: async ({ args: [id], out, revision, cache, endpoint }, { output, progress, now }) => {
    const token = process.env.HF_TOKEN
    const began = now()
    let [started, first] = [false, 0]
    const pulled = await pull({
      ...{ id, out, revision, cache, endpoint },
      ...(token && { token }),
      onProgress: (done, total) => {
        if (!started) {
          started = true
          first = done
          progress.start(`pulling ${id}`, total)
        }
        // What an earlier run had fetched says nothing of the speed.
        const rate = (done - first) / Math.max(1e-3, (now() - began) / 1000)
        progress.update(done, { bytes: `${bytes(done)} of ${bytes(total)}`, rate: `${bytes(rate)}/s` })
      },
    })
    const seconds = (now() - began) / 1000
    progress.finish('')
    output.json({ ...pulled, out, seconds })
    output.print(
      renderTable(
        [{ title: 'file' }, { title: 'size', align: 'right' }, { title: 'from' }],
        pulled.files.map(({ name, bytes: size, from }) => [name, bytes(size), from]),
      ),
    )
    output.print(
      `\n${id} at ${pulled.commit.slice(0, 12)} is in ${out}, ${bytes(pulled.bytes)}, ${duration(seconds)}`,
    )
  },
}
