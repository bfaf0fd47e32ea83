// The figures of runs as Markdown, out of their run.json alone. usage: node scripts/results.mjs RUN... > docs/results/NAME.md
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const folders = process.argv.slice(2)
if (folders.length === 0) {
  console.error('usage: node scripts/results.mjs RUN...')
  process.exit(2)
}
const percent = (x) => (x === undefined ? '' : `${(100 * x).toFixed(2)}%`)
/** Folders of one machine say nothing elsewhere. */
const shortened = (command) => command.replaceAll(/(?<=^|\s)\/\S+/g, (path) => basename(path))
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

function trained({ figures, options, params }) {
  const rows = Object.entries(figures).map(([name, f]) => [
    name,
    percent(f.accuracy),
    percent(f.f1),
    percent(f.ece),
  ])
  const shown = Object.entries(options)
    .filter(([name]) =>
      ['model', 'epochs', 'lr', 'batchSize', 'maxLength', 'decayAll', 'keep'].includes(name),
    )
    .map(([name, value]) => `${name} ${shortened(String(value))}`)
  return [
    `\`train\` with ${shown.join(', ')}; ${params.toLocaleString('en-US')} parameters.`,
    table(['set', 'accuracy', 'macro F1', 'calibration error'], rows),
  ]
}

function distilled({ repeat, plan, models, verdicts, judgedOn, majority, student, problems }) {
  const rows = Object.entries(models).map(([name, m]) => [
    name,
    percent(m.accuracy),
    (m.seeds ?? []).length > 1 ? m.seeds.map((s) => (100 * s.accuracy).toFixed(2)).join(' ') : '',
    m.params?.toLocaleString('en-US') ?? '',
    m.seconds ? m.seconds.toFixed(0) : '',
  ])
  return [
    `\`${shortened(repeat)}\``,
    `Student: ${shortened(student)}. On ${judgedOn} rows; the commonest class has ${percent(majority)}.`,
    table(['model', 'accuracy', 'by seed', 'parameters', 'seconds'], rows),
    verdicts.map((line) => `- ${line}`).join('\n'),
    ...(problems.length > 0 ? [problems.map((line) => `- The doctor said: ${line}`).join('\n')] : []),
    `\`\`\`\n${plan}\n\`\`\``,
  ]
}

const runs = folders.map((folder) => ({
  folder,
  ...JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')),
}))
for (const run of runs) {
  const parts = run.command === 'train' ? trained(run) : distilled(run)
  console.log(`## ${basename(run.folder)}\n\n${parts.join('\n\n')}\n`)
}
const versions = new Set(
  runs.map(({ tinystill, node, platform }) => `tinystill ${tinystill}, Node ${node}, ${platform}`),
)
const data = new Map(
  runs.flatMap(({ data }) =>
    Object.values(data).map((d) => [`${basename(d.file)}, ${d.bytes} bytes, SHA-256 ${d.sha256}`, 1]),
  ),
)
console.log(`## Made with\n\n${[...versions, ...data.keys()].map((line) => `- ${line}`).join('\n')}`)
