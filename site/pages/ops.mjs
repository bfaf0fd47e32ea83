// A page an op, from its record: what it does, its formula, its shape rule, samples, errors, edges, and a cell that checks it.
import { cell, code, dist } from './read.mjs'

const shapeText = (shape) => `[${shape.join(', ')}]`
const numbers = (value) =>
  Array.isArray(value) ? `[${value.map(numbers).join(', ')}]` : Object.is(value, -0) ? '-0' : String(value)

/** Attributes as text: numbers that JSON has no word for too. */
function attrsText(value) {
  if (typeof value === 'number') return numbers(value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `[${value.map(attrsText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const proto = Object.getPrototypeOf(value)
    if (proto !== Object.prototype && proto !== null) return value.constructor.name
    return `{ ${Object.entries(value)
      .map(([key, v]) => `${key}: ${attrsText(v)}`)
      .join(', ')} }`.replace('{  }', '{}')
  }
  return JSON.stringify(value) ?? String(value)
}

const hasAttrs = (attrs) => typeof attrs === 'object' && attrs !== null && Object.keys(attrs).length > 0

function specText({ shape, view, domain, below, values }) {
  const from = values
    ? ` = [${values.map(numbers).join(', ')}]`
    : below !== undefined
      ? `, whole numbers below ${below}`
      : domain
        ? `, from ${domain.lo} to ${domain.hi}${domain.avoid ? ` but near ${domain.avoid.join(', ')}` : ''}`
        : ''
  return `${shapeText(shape)}${view ? ` ${view}` : ''}${from}`
}

const sampleRow = (sample) =>
  `| ${cell(sample.inputs.map(specText).join('; '))} | ${hasAttrs(sample.attrs) ? cell(code(attrsText(sample.attrs))) : ''} |`

const takesText = {
  float: 'float32 or float64',
  int: 'int32',
  number: 'float32, float64 or int32',
  any: 'any dtype',
}

/** A shape rule's own lines, out of dist, less what they are indented by there. */
function ruleOf(shape) {
  const lines = String(shape).split('\n')
  const indent = Math.min(...lines.slice(1).map((line) => /^ */.exec(line)[0].length), 99)
  return lines
    .map((line, i) => (i === 0 ? line : line.slice(Math.min(indent, /^ */.exec(line)[0].length))))
    .join('\n')
}

const differentiable = (record) => 'composite' in record || record.backward !== null

/** What a cell checks: an op with no gradient has none to hold to differences. */
const cellOf = (record) => `import { checkOp } from 'tinystill'
import { inputsOf, op } from 'site/records'

const f = op('${record.name}')
const [sample] = f.record.samples()
const inputs = inputsOf(sample)
console.log('in', ...inputs)
console.log('out', f(inputs, sample.attrs))

const report = checkOp(f)
console.log(report.samples, 'samples,', report.errors, 'errors,', report.edges, 'edge cases hold')
${
  differentiable(record)
    ? "console.log('gradients:', report.derivatives, 'derivatives, off by less than 1e-8:', report.error < 1e-8)"
    : "console.log('it passes no gradient:', report.derivatives)"
}`

/** What that cell prints, computed here from dist: the check runs the cell itself and compares. */
async function outputOf(op) {
  const [{ keyOf }, { materialize }] = await Promise.all([dist('tensor/rng.js'), dist('autograd/samples.js')])
  const { record } = op
  const [samples, errors, edges] = [record.samples(), record.errors(), record.edge()]
  const inputs = samples[0].inputs.map((spec, i) => materialize(spec, keyOf(1, i), 'float64'))
  return [
    `in ${inputs.join(' ')}`,
    `out ${op(inputs, samples[0].attrs)}`,
    `${samples.length} samples, ${errors.length} errors, ${edges.length} edge cases hold`,
    differentiable(record)
      ? `gradients: ${record.twice ? 'second' : 'first'} derivatives, off by less than 1e-8: true`
      : 'it passes no gradient: none',
  ].join('\n')
}

export async function opRecords() {
  const [{ allOps }, entry] = await Promise.all([dist('autograd/op.js'), dist('index.js')])
  entry.setDeterministic(true)
  const called = (name) =>
    name in entry.Tensor.prototype ? `x.${name}()` : name in entry ? `${name}()` : null
  return allOps()
    .map((op) => ({ op, record: op.record, called: called(op.record.name) }))
    .sort((a, b) => a.record.name.localeCompare(b.record.name, 'en'))
}

async function pageOf({ op, record, called }) {
  const { name, doc, math, takes } = record
  const made = 'composite' in record ? 'other ops' : 'view' in record ? 'a view: no data moves' : 'a kernel'
  const gradient = !differentiable(record)
    ? 'none'
    : record.twice
      ? 'yes, and it can be differentiated again'
      : 'yes, once'
  const [samples, errors, edges] = [record.samples(), record.errors(), record.edge()]
  const parts = [
    `# ${name}`,
    doc,
    `$$${math}$$`,
    [
      `- Called as ${called === null ? 'part of other ops only' : code(called)}`,
      `- Takes ${takes.map((it) => takesText[it]).join('; ')}`,
      `- Gradient: ${gradient}`,
      `- Made of ${made}`,
    ].join('\n'),
    '## Check it here',
    `The first sample, then everything that the suite holds it to. \`site/records\` is this site's door to the op's record, which the package keeps to itself.`,
    `\`\`\`ts cell\n${cellOf(record)}\n\`\`\``,
    `\`\`\`output\n${await outputOf(op)}\n\`\`\``,
    '## Shape rule',
    `The output's shape from the shapes of the inputs and the attributes; it runs before any kernel.`,
    `\`\`\`js\n${ruleOf(record.shape)}\n\`\`\``,
    '## Samples',
    ['| inputs | attributes |', '|---|---|', ...samples.map(sampleRow)].join('\n'),
  ]
  if (errors.length > 0)
    parts.push('## Errors', errors.map((it) => `- ${it.error.name}: ${code(it.text)}`).join('\n'))
  if (edges.length > 0)
    parts.push(
      '## Edge cases',
      [
        '| inputs | attributes | output | gradient of its sum |',
        '|---|---|---|---|',
        ...edges.map(
          (it) =>
            `${sampleRow(it)} ${cell(numbers(it.out))} | ${it.grads ? it.grads.map((g) => (g === null ? 'none' : cell(numbers(g)))).join('; ') : ''} |`,
        ),
      ].join('\n'),
    )
  return parts.join('\n\n')
}

async function index(ops) {
  const rows = ops.map(
    ({ record, called }) =>
      `| [${record.name}](/ops/${record.name}) | ${called === null ? 'inside' : code(called)} | ${cell(record.doc)} |`,
  )
  return `# Ops

${rows.length} ops, a page each, made from the records that the engine and its tests read.

| op | called as | what it does |
|---|---|---|
${rows.join('\n')}
`
}

export async function opPages() {
  const ops = await opRecords()
  const pages = ops.map(async (it) => ({
    name: it.record.name,
    title: it.record.name,
    markdown: await pageOf(it),
  }))
  return [{ name: 'index', title: 'Ops', markdown: await index(ops) }, ...(await Promise.all(pages))]
}
