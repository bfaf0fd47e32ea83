// The last part of npm run check:python: the tokenizer folders of test/golden/tokenizer_folders.json, saved by us, give the
// same ids in Python's AutoTokenizer; and as Python saves them, the same here.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadTokenizer, saveTokenizer } from '../dist/files/index.js'

const python = process.env.PYTHON
// python.mjs has said why it skipped.
if (!python || spawnSync(python, ['-c', 'import transformers']).status !== 0) process.exit(0)

const golden = new URL('../test/golden/tokenizer_folders.json', import.meta.url)
const { folders, json } = JSON.parse(readFileSync(golden, 'utf8'))

/** For argv: folders to load and where to save them; the cases on standard input. Writes ids and types of each case. */
const theirs = `
import json, sys
from transformers import AutoTokenizer
out = []
for source, target, original, cases in json.load(sys.stdin):
    tokenizer = AutoTokenizer.from_pretrained(source)
    AutoTokenizer.from_pretrained(original).save_pretrained(target)
    rows = []
    for text, pair, n, *_ in cases:
        options = {} if n is None else dict(truncation="longest_first", max_length=n)
        e = tokenizer([text], None if pair is None else [pair], **options)
        ids = e["input_ids"][0]
        rows.append([text, pair, n, ids, e["token_type_ids"][0] if "token_type_ids" in e else [0] * len(ids)])
    out.append(rows)
json.dump(out, sys.stdout)
`

const base = mkdtempSync(join(tmpdir(), 'tinystill-tokenizers-'))
const at = (...parts) => {
  const folder = join(base, ...parts.map(String))
  mkdirSync(folder, { recursive: true })
  return folder
}

function write(folder, { files, changes = [] }) {
  const changed = structuredClone(json)
  for (const [path, value] of changes) {
    path.slice(0, -1).reduce((node, key) => node[key], changed)[path.at(-1)] = value
  }
  for (const [name, content] of Object.entries(files)) {
    const text = Array.isArray(content) ? content.map((line) => `${line}\n`).join('') : null
    writeFileSync(join(folder, name), text ?? JSON.stringify(content === '$json' ? changed : content))
  }
}

try {
  folders.forEach((one, i) => {
    write(at('given', i), one)
    saveTokenizer(at('ours', i), loadTokenizer(at('given', i)))
    for (const to of ['ours', 'theirs'])
      copyFileSync(join(at('given', i), 'config.json'), join(at(to, i), 'config.json'))
  })
  const input = folders.map(({ cases }, i) => [at('ours', i), at('theirs', i), at('given', i), cases])
  const { status, stdout, stderr } = spawnSync(python, ['-c', theirs], {
    ...{ input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 2 ** 26 },
  })
  if (status !== 0) throw new Error(stderr)
  const answers = JSON.parse(stdout)
  const wrong = folders.flatMap(({ name, cases }, i) => {
    const tokenizer = loadTokenizer(at('theirs', i))
    const own = cases.map(([text, pair, n]) => {
      const { ids, typeIds } = tokenizer.encode(text, pair, n === null ? {} : { maxLength: n })
      return [text, pair, n, [...ids], [...typeIds]]
    })
    const wanted = JSON.stringify(cases)
    return [
      ...(JSON.stringify(answers[i]) === wanted ? [] : [`${name}, saved by us, in Python`]),
      ...(JSON.stringify(own) === wanted ? [] : [`${name}, saved by Python, here`]),
    ]
  })
  for (const line of wrong) console.error(`other ids: ${line}`)
  console.log(`${folders.length} tokenizer folders in both directions, ${wrong.length} with other ids`)
  process.exitCode = wrong.length === 0 ? 0 : 1
} finally {
  rmSync(base, { recursive: true })
}
