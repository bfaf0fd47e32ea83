// The repository's own papers as pages, their links led to the site. A link to what is no page becomes its text.
import { posix } from 'node:path'
import { list, read } from './read.mjs'

/** What a document's page is called; the address ends with its file's name. */
const titles = {
  'docs/engine.md': 'The engine',
  'docs/distillation.md': 'Distillation',
  'docs/models.md': 'Models',
  'docs/embeddings.md': 'Sentence embeddings',
  'docs/generation.md': 'Generation',
  'docs/tagging.md': 'Tags of words',
  'docs/qa.md': 'Answers in texts',
  'docs/bilstm.md': 'BiLSTM',
  'docs/command-line.md': 'The command line',
  'docs/speed.md': 'Speed',
  'docs/limits.md': 'Limits',
  'docs/gpu.md': 'GPUs',
  'docs/trust.md': 'Trust',
  'docs/architecture.md': 'Architecture',
  'docs/results/README.md': 'Results',
  'docs/results/wordnet.md': 'Results: WordNet',
  'docs/results/sst2.md': 'Results: SST-2',
  'docs/results/tinybert.md': 'Results: TinyBERT',
  'docs/results/small.md': 'Results: small data',
  'docs/results/conv.md': 'Results: convolutions',
  'CHANGELOG.md': 'Changelog',
  'CONTRIBUTING.md': 'Contributing',
  'SECURITY.md': 'Security',
}

const adrs = list('docs/adr').filter((name) => name.endsWith('.md'))

const nameOf = (path) =>
  path === 'docs/results/README.md'
    ? 'results'
    : `${path.startsWith('docs/results/') ? 'results-' : ''}${posix.basename(path, '.md').toLowerCase()}`

/** Where a file of the repository is on the site, or null. */
export function routeOf(path) {
  if (path === 'docs/ops.md') return '/ops/'
  if (path === 'docs/adr' || path === 'docs/adr/') return '/decisions/'
  if (path === 'README.md') return '/'
  if (path.startsWith('docs/adr/') && adrs.includes(posix.basename(path)))
    return `/decisions/${posix.basename(path, '.md')}`
  return path in titles ? `/documents/${nameOf(path)}` : null
}

const pictures = { 'docs/architecture.svg': '/architecture.svg', 'docs/peers.svg': '/peers.svg' }

/** Links of `path`'s text that lead into the repository, led to the site's pages. Code is left alone. */
function led(text, path) {
  const link = (whole, bang, words, target) => {
    if (/^[a-z]+:|^#/.test(target)) return whole
    const [file, anchor = ''] = target.split('#')
    const at = posix.normalize(posix.join(posix.dirname(path), file))
    if (bang) return at in pictures ? `![${words}](${pictures[at]})` : words
    const route = routeOf(at)
    return route === null ? words : `[${words}](${route}${anchor && `#${anchor}`})`
  }
  return text
    .split(/(^```[\s\S]*?^```|`[^`\n]*`)/m)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, link)))
    .join('')
}

/** Angle brackets and braces outside of code are text to a reader and elements to Vue. */
function tame(text) {
  return text
    .split(/(^```[\s\S]*?^```|``[^\n]*?``|`[^`\n]*`)/m)
    .map((part, i) =>
      i % 2 === 1 ? part : part.replace(/<(?=[a-zA-Z/!])/g, '&lt;').replaceAll('{{', '{&#123;'),
    )
    .join('')
}

const page = (path) => tame(led(read(path), path))

export const documentPages = () =>
  Object.entries(titles).map(([path, title]) => ({ name: nameOf(path), title, markdown: page(path) }))

export function decisionPages() {
  const pages = adrs.map((file) => {
    const markdown = page(`docs/adr/${file}`)
    const title = /^# (.*)$/m.exec(markdown)?.[1] ?? file
    return { name: posix.basename(file, '.md'), title, markdown }
  })
  const rows = pages.map(({ name, title }) => `- [${title}](/decisions/${name})`)
  const markdown = `# Decisions\n\nWhy it is built as it is: a page a decision.\n\n${rows.join('\n')}`
  return [{ name: 'index', title: 'Decisions', markdown }, ...pages]
}
