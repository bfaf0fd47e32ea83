// tinystill split: texts cut into parts, for many processes or machines to label.
import type { Command } from 'commander'
import { makeFolder } from '../files/disk.js'
import { lockFolder } from '../files/lock.js'
import { PART_ROWS, splitTexts } from '../files/parts/split.js'
import { breathe } from '../train/pace.js'
import { Interrupted } from '../train/run-state.js'
import type { CommandSpec } from './shared/command.js'
import { addDataOptions, type DataFileOptions, dataOptions, listen, whole } from './shared/options.js'
import { bytes, count, duration } from './shared/table.js'

interface SplitOptions extends DataFileOptions {
  data: string[]
  out: string
  rows: number
}

export const splitCommand: CommandSpec<SplitOptions> = {
  name: 'split',
  describe: 'Cut files of texts into parts, each text once, for many processes or machines to label',
  options: (command: Command) =>
    addDataOptions(command)
      .requiredOption(
        '--data <files...>',
        'texts: .tsv, .csv, .jsonl, .json, .parquet or .txt, several as if they were one; labels are passed over',
      )
      .requiredOption('--out <dir>', "the parts' folder")
      .option('--rows <n>', 'of a part: some minutes of work for one process', whole(1, 1e8), PART_ROWS),
  run: async (options, { output, progress, now, signals }) => {
    const { data: files, out, rows } = options
    const began = now()
    makeFolder(out)
    const release = lockFolder(out)
    const asked = listen(signals)
    try {
      const plan = await splitTexts(files, out, {
        ...{ rows, reading: { ...dataOptions(options, output), labelUse: 'unused' } },
        onPart: async (done) => {
          progress.aside('rows', done, done)
          await breathe()
          if (asked.signal !== null) throw new Interrupted(asked.signal, 'no plan is written: split again')
        },
      })
      progress.finish('')
      const size = plan.parts.reduce((n, part) => n + part.bytes, 0)
      const again = plan.duplicates > 0 ? `, ${count(plan.duplicates)} more came again` : ''
      const parts = plan.parts.length
      output.print(
        `${out}: ${count(plan.rows)} rows${again} in ${count(parts)} ${parts === 1 ? 'part' : 'parts'}, ${bytes(size)}, ${duration((now() - began) / 1000)}`,
      )
      output.print(
        `next: tinystill label --teacher DIR --parts ${out} --part 0 --out CACHES, and so on; then join`,
      )
      output.json({ rows: plan.rows, duplicates: plan.duplicates, parts, bytes: size, out })
    } finally {
      asked.end()
      release()
    }
  },
}
