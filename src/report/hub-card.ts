// README.md of a model on the hub: what its pages and search go by, and, where the folder has no card of its own, what it is.
import { cardLine } from './model-card.js'

/** What the card tells. */
export interface HubCardFacts {
  /** owner/name */
  id: string
  /** The folder's own README.md; null: it has none. */
  readme: string | null
  /** The class in Python, or of our own. */
  architecture: string
  /** The hub's word for what it is for: text-classification. */
  task: string
  labels: readonly string[]
  /** Whether Python's transformers loads the folder. */
  python: boolean
  /** Names of the ONNX files. */
  graphs: readonly string[]
}

/** A card that has its own head is given as it is. */
export function hubCard(facts: HubCardFacts): string {
  const { readme, task, python, graphs } = facts
  if (readme?.startsWith('---\n')) return readme
  const library = python ? 'transformers' : graphs.length > 0 ? 'transformers.js' : 'tinystill'
  const tags = ['tinystill', ...(graphs.length > 0 ? ['onnx', 'transformers.js'] : [])]
  const head = [
    '---',
    `library_name: ${library}`,
    `pipeline_tag: ${task}`,
    'tags:',
    ...tags.map((tag) => `- ${tag}`),
    '---',
  ]
  return `${head.join('\n')}\n\n${readme ?? ownCard(facts)}`
}

/** What its users import. */
const JS_LIBRARY = '@huggingface/transformers'

function ownCard({ id, architecture, task, labels, python, graphs }: HubCardFacts): string {
  const name = cardLine(id.replace(/^.*\//, ''))
  const parts = [
    `# ${name}`,
    `A ${cardLine(architecture)}, written by tinystill.${labels.length > 0 ? ` Labels: ${labels.map(cardLine).join(', ')}.` : ''}`,
    '## Use',
    fenced(`npx tinystill pull ${id} --out model`),
    ...(python ? [`Python's transformers loads the folder as it is.`] : []),
    ...(graphs.length > 0
      ? [
          `transformers.js and onnxruntime run ${graphs.map((graph) => `\`${graph}\``).join(', ')}:`,
          fenced(
            `import { pipeline } from '${JS_LIBRARY}'\n\nconst run = await pipeline('${task}', '${id}')`,
            'js',
          ),
        ]
      : []),
  ]
  return `${parts.join('\n\n')}\n`
}

const fenced = (text: string, language = '') => `\`\`\`${language}\n${text}\n\`\`\``
