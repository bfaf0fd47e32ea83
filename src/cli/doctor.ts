// tinystill doctor: what runs here, and why.
import { availableParallelism } from 'node:os'
import { backendReport } from '../tensor/backend.js'
import { memory } from '../tensor/storage.js'
import { VERSION } from '../version.js'
import type { CommandSpec } from './main.js'
import { bytes, renderTable } from './table.js'

export const doctorCommand: CommandSpec<unknown> = {
  name: 'doctor',
  describe: 'Tell what runs here: versions, backend, and where each kernel runs',
  options: (command) => command,
  run: async (_, { output }) => {
    const report = backendReport()
    const facts = {
      tinystill: VERSION,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      processors: availableParallelism(),
    }
    output.json({ ...facts, ...report })
    output.print(
      renderTable(
        [{ title: 'what' }, { title: 'here' }],
        [
          ...Object.entries(facts).map(([name, value]) => [name, String(value)]),
          ['backend', `${report.backend} (${report.why})`],
          ['threads', String(report.threads)],
          ['shared memory', bytes(memory().reserved)],
        ],
      ),
    )
    const of = (backend: string) =>
      Object.entries(report.kernels)
        .filter(([, b]) => b === backend)
        .map(([name]) => name)
    for (const backend of ['wasm', 'js']) output.print(`\n${backend}: ${of(backend).join(', ') || 'nothing'}`)
  },
}
