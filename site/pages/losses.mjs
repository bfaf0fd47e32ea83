// A page a loss, from its record, with a cell that holds it to PyTorch's number and to finite differences.
import { caseOf } from '../engine/golden-case.js'
import { bytes, cell, dist } from './read.mjs'

const cellOf = (name, way) => `import { gradcheck } from 'tinystill'
import { goldenCase, loss } from 'site/records'

const { inputs, value, learned } = goldenCase('${way}')
const run = loss('${name}').golden['${way}']
for (const [key, t] of Object.entries(inputs)) console.log(key, t.shape)
console.log('loss', run(inputs).item().toFixed(8), 'PyTorch', value.toFixed(8))

// The gradient of everything that learns, beside finite differences in float64.
const { error } = gradcheck(
  (...ts) => run({ ...inputs, ...Object.fromEntries(learned.map((key, i) => [key, ts[i]])) }),
  learned.map((key) => inputs[key]),
)
console.log('gradients of', learned.join(', '), 'off by less than 1e-8:', error < 1e-8)`

/** What that cell prints, computed here from dist. */
function outputOf(run, { inputs, value, learned }) {
  return [
    ...Object.entries(inputs).map(([key, t]) => `${key} [${t.shape.join(', ')}]`),
    `loss ${run(inputs).item().toFixed(8)} PyTorch ${value.toFixed(8)}`,
    `gradients of ${learned.join(', ')} off by less than 1e-8: true`,
  ].join('\n')
}

function pageOf({ name, doc, math, source, needs, golden }, tensors) {
  const ways = Object.keys(golden)
  return [
    `# ${name}`,
    doc,
    `$$${math}$$`,
    `Source: ${source}. It reads ${needs.map((it) => `\`${it}\``).join(', ')}.`,
    '## Check it here',
    ...ways.flatMap((way) => [
      ...(ways.length > 1 ? [`As in the golden case \`${way}\`:`] : []),
      `\`\`\`ts cell\n${cellOf(name, way)}\n\`\`\``,
      `\`\`\`output\n${outputOf(golden[way], caseOf(tensors, way))}\n\`\`\``,
    ]),
  ].join('\n\n')
}

function index(losses) {
  const rows = losses.map(
    ({ name, doc, source }) => `| [${name}](/losses/${name}) | ${cell(doc)} | ${cell(source)} |`,
  )
  return `# Losses

${rows.length} losses, each with its formula, its paper and PyTorch's numbers.

| loss | what it does | source |
|---|---|---|
${rows.join('\n')}
`
}

export async function lossPages() {
  const [{ losses }, { readSafetensors }] = await Promise.all([
    dist('distill/index.js'),
    dist('formats/safetensors/index.js'),
  ])
  const { tensors } = readSafetensors(bytes('test/golden/losses/golden.safetensors'), { file: 'golden' })
  const pages = losses.map((it) => ({ name: it.name, title: it.name, markdown: pageOf(it, tensors) }))
  return [{ name: 'index', title: 'Losses', markdown: index(losses) }, ...pages]
}
