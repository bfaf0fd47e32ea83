// A page a recipe: its plan drawn as stages, what each learns from, its settings, and the command.
import { cell, code, dist } from './read.mjs'

/** The occasion that the pages plan for: that of `npm start`. */
const OCCASION = { transfer: true, labelled: 20_000, transferRows: 75_518, pretrained: false }

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Stages as boxes from the left to the right; a line where one goes on from another. */
function drawn(stages) {
  const [wide, high, step] = [170, 74, 200]
  const marks = stages.flatMap((stage, i) => {
    const x = 10 + i * step
    const from = stages.findIndex(({ name }) => name === stage.start)
    const taught =
      stage.teacher === null
        ? 'labels alone'
        : stage.teacher === 'given'
          ? 'by the teacher'
          : `by ${stage.teacher === 'general' ? 'the general teacher' : stage.teacher}`
    const words = [
      stage.name,
      stage.role === 'control' ? 'a control' : taught,
      stage.fit.steps === null ? `${stage.fit.epochs} epochs` : `${stage.fit.steps} steps`,
    ]
    const line =
      from === -1 ? [] : [`<line class="axis" x1="${10 + from * step + wide}" y1="47" x2="${x}" y2="47" />`]
    return [
      ...line,
      `<rect class="node" x="${x}" y="10" width="${wide}" height="${high}" rx="8" />`,
      ...words.map(
        (word, k) =>
          `<text class="mark-text${k === 0 ? ' strong' : ''}" x="${x + 12}" y="${32 + 19 * k}">${escaped(word)}</text>`,
      ),
    ]
  })
  const width = stages.length * step - 10
  const names = stages.map(({ name }) => name).join(', then ')
  return `<div class="plan"><svg viewBox="0 0 ${width} 94" width="${width}" height="94" role="img" aria-label="${escaped(`Stages: ${names}`)}">${marks.join('')}</svg></div>`
}

const commandOf = ({ name, teachers, student, preset }) =>
  [
    `npx tinystill distill --recipe ${name} --teacher run${teachers === 'many' ? ' another' : ''}`,
    student === 'given' && preset === undefined ? ' --student tiny' : '',
    ' \\\n  --train train.tsv --dev dev.tsv --out small --baseline',
  ].join('')

function settingsOf(settings) {
  const rows = Object.entries(settings).map(
    ([name, { fallback, want }]) =>
      `| ${code(name)} | ${cell(code(JSON.stringify(fallback) ?? 'none'))} | ${cell(want)} |`,
  )
  return rows.length === 0
    ? 'None of its own.'
    : ['| setting | default | takes |', '|---|---|---|', ...rows].join('\n')
}

function index(pages) {
  const rows = pages.map(({ name, describe }) => `| [${name}](/recipes/${name}) | ${cell(describe)} |`)
  return `# Recipes

A recipe is a plan of stages and weighted losses. ${rows.length} of them, each held to its paper or to PyTorch.

| recipe | |
|---|---|
${rows.join('\n')}
`
}

export async function recipePages() {
  const { recipes, describePlan, formulaOf } = await dist('distill/index.js')
  const pages = recipes.map((recipe) => {
    const plan = recipe.plan({}, OCCASION, recipe.name)
    const formulas = plan.stages.map((stage) => `| ${stage.name} | ${cell(code(formulaOf(stage)))} |`)
    const markdown = [
      `# ${recipe.name}`,
      `${recipe.describe}. ${recipe.source}.`,
      '## Stages',
      drawn(plan.stages),
      ['| stage | loss |', '|---|---|', ...formulas].join('\n'),
      '## The command',
      `\`\`\`sh\n${commandOf(recipe)}\n\`\`\``,
      `\`--baseline\` trains the same student by labels alone, to compare with. \`--config\` changes every setting below, and every stage.`,
      '## Settings',
      settingsOf(recipe.settings),
      '## The whole plan',
      `As \`tinystill distill\` prints it for ${OCCASION.labelled.toLocaleString('en')} labelled rows and ${OCCASION.transferRows.toLocaleString('en')} without labels:`,
      `\`\`\`text\n${describePlan(plan)}\n\`\`\``,
    ].join('\n\n')
    return { name: recipe.name, title: recipe.name, describe: recipe.describe, markdown }
  })
  return [{ name: 'index', title: 'Recipes', markdown: index(pages) }, ...pages]
}
