// README.md of a distilled model, from its run.json alone: what it is, what it can do, how to make it again.

/** The part of run.json that the card tells. */
export interface CardRecord {
  tinystill: string
  node: string
  platform: string
  seed: number
  recipe: { name: string; source: string }
  teachers: readonly string[]
  student: string
  classes: readonly string[]
  /** What it gives for a text; default one of the classes. */
  gives?: string
  plan: string
  problems: readonly string[]
  judgedOn: string
  columns: readonly string[]
  rows: readonly (readonly string[])[]
  verdicts: readonly string[]
  /** Whether Python's transformers loads the folder. Default true. */
  python?: boolean
  /** What of it is 0. */
  pruning?: { method: string; zeros: number; weights: number }
  /** What 'ms a text' is. */
  speedMethod?: string
  command: string
  data: Readonly<Record<string, { file: string; bytes: number; sha256: string }>>
  seconds: number
}

/** Each with a meaning in Markdown, its tables, its formulas, or its links without brackets. */
const SPECIAL = /[\\`*_{}[\]<>#|!~&$]|:(?=\/\/)|(?<=www)\./gi
const ENTITIES: Record<string, string> = { '<': '&lt;', '&': '&amp;' }
/** Control characters but for new lines, halves of pairs, and what turns the direction of the text around it. */
const UNSEEN = /[^\P{Cc}\n]|\p{Cs}|[\u202a-\u202e\u2066-\u2069]/gu

/** Text that Markdown takes as it is, on one line. */
const plain = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(UNSEEN, '\ufffd')
    .replace(SPECIAL, (c) => ENTITIES[c] ?? `\\${c}`)

/** Text as Markdown takes it, on one line. */
export const cardLine = plain

/** The same at the beginning of a line, where it could begin a list or a rule. */
const line = (text: string) => plain(text).replace(/^(\d*)([-+.)])/, '$1\\$2')

/** Code of any content: its fence is longer than any in it. */
function fenced(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text.replace(/\r\n?|\p{Zl}|\p{Zp}/gu, '\n').replace(UNSEEN, '\ufffd')}\n${fence}`
}

const row = (cells: readonly string[]) => `| ${cells.map(plain).join(' | ')} |`

function pruned({ method, zeros, weights }: NonNullable<CardRecord['pruning']>): string {
  const share = ((100 * zeros) / Math.max(1, weights)).toFixed(2)
  return `Pruned (${plain(method)}): ${zeros} of the ${weights} weights in the matrices of its layers are 0, ${share}%. They stand there as zeros, so that it loads as any other model.`
}

/** The same record gives the same card. */
export function modelCard(r: CardRecord): string {
  const data = Object.entries(r.data).map(
    ([use, d]) => `- ${use}: ${plain(d.file)}, ${d.bytes} bytes, SHA-256 \`${d.sha256}\``,
  )
  const list = (texts: readonly string[]) => texts.map((text) => `- ${line(text)}`).join('\n')
  const parts = [
    r.recipe.name === 'prune'
      ? `# ${plain(r.student)}, pruned`
      : `# ${plain(r.recipe.name)} student of ${plain(r.teachers.join(', '))}`,
    `${r.gives === undefined ? 'A text classifier' : `A model that gives ${plain(r.gives)} for a text`} (${plain(r.classes.join(', '))}): ${plain(r.student)}, ${r.recipe.name === 'prune' ? 'pruned' : 'distilled'} by the recipe ${plain(r.recipe.name)}, ${plain(r.recipe.source)}.`,
    ...(r.pruning === undefined ? [] : [pruned(r.pruning)]),
    '## Loss',
    fenced(r.plan),
    '## Figures',
    r.judgedOn === 'no'
      ? 'There was no set to judge on.'
      : `Judged on the ${plain(r.judgedOn)} set; spread is the standard deviation over seeds.${r.speedMethod === undefined ? '' : ` ms a text: ${plain(r.speedMethod)}.`}`,
    [row(r.columns), `|${' --- |'.repeat(r.columns.length)}`, ...r.rows.map(row)].join('\n'),
    ...(r.verdicts.length > 0 ? [list(r.verdicts)] : []),
    ...(r.problems.length > 0 ? ['## Found wrong before the start, and overruled', list(r.problems)] : []),
    '## Use',
    fenced('npx tinystill predict --model . --text "..."'),
    ...(r.python === false ? [] : ["Python's transformers loads the folder as it is."]),
    '## Make it again',
    fenced(r.command),
    data.join('\n'),
    `tinystill ${plain(r.tinystill)}, Node ${plain(r.node)}, ${plain(r.platform)}, seed ${r.seed}, ${r.seconds.toFixed(0)} s. All figures are in run.json.`,
  ]
  return `${parts.join('\n\n')}\n`
}
