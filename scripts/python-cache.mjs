// Part of npm run check:python: caches that python/label.py writes are opened and learnt from here, what label writes
// is read there, and what is torn, changed or missing is told in one line. PYTHON names a Python with transformers.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyOfText } from '../dist/files/cache/keys.js'
import { openCache } from '../dist/files/cache/reader.js'
import { readSafetensors, writeSafetensors } from '../dist/formats/safetensors/index.js'

const BAR = 1e-5
const python = process.env.PYTHON
// python.mjs has said why it skipped.
if (!python || spawnSync(python, ['-c', 'import transformers, torch, safetensors']).status !== 0)
  process.exit(0)

const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const [half, cachePy, labelPy] = [
  'python_cache.py',
  '../python/tinystill_cache.py',
  '../python/label.py',
].map(path)
const tinystill = path('../dist/cli/bin.js')
const root = mkdtempSync(join(tmpdir(), 'tinystill-cache-'))
const at = (name) => join(root, name)
const call = (command, args, input) =>
  spawnSync(command, args, { input, encoding: 'utf8', maxBuffer: 2 ** 28 })
const mustDo = (command, args, input) => {
  const done = call(command, args, input)
  if (done.status !== 0) throw new Error(`${args.join(' ')} failed: ${done.stderr}`)
  return done.stdout
}
const theirs = (...args) => mustDo(python, [labelPy, ...args])
const ours = (...args) => mustDo(process.execPath, [tinystill, ...args, '--quiet'])

let failed = 0
function tell(good, what) {
  if (!good) failed++
  console.log(`${good ? 'ok    ' : 'FAILED'} cache: ${what}`)
}
const apart = (a, b) => a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i])), 0)

const odd = [
  'a fine film',
  'quotes " and \' and \\ backslashes \\" \\\\',
  'a\ttab, a\nline, a\rreturn, \b\f',
  Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('x'),
  '\u007f \u0080 \u00a0 \u2028 \u2029 \ufeff \uffff',
  'Crème brûlée, 東京, Straße',
  '🎉 party 𝒳 \u{10ffff}',
  'half \ud83c alone',
  'the other \udf89 half \udf89\ud83c',
  '</script> / \\/ \\u0041 {"text": 1}',
  'a '.repeat(200),
]
const plain = Array.from(
  { length: 300 },
  (_, i) => `the ${['film', 'story', 'cast'][i % 3]} ${i} was ${i % 2 ? 'fine' : 'dull'}`,
)
const rows = [
  ...odd.map((text) => [text, null]),
  ...odd.map((text, i) => [text, odd[(i + 3) % odd.length]]),
  ...plain.map((text, i) => [text, i % 5 === 0 ? plain[(i * 7) % 300] : null]),
]
const jsonl = (list) =>
  list.map(([text, text_b]) => `${JSON.stringify(text_b === null ? { text } : { text, text_b })}\n`).join('')
const flip = (file, place) => {
  const bytes = readFileSync(file)
  bytes[place] ^= 1
  writeFileSync(file, bytes)
}

try {
  writeFileSync(at('rows.jsonl'), jsonl([...rows, ...rows.slice(0, 20)]))
  mustDo(python, [half, 'teacher', at('teacher')])
  const data = ['--teacher', at('teacher'), '--data', at('rows.jsonl')]

  // Written there.
  theirs(...data, '--out', at('there'), '--shard-rows', '100', '--batch-size', '16')
  ours('label', ...data, '--out', at('here'), '--shard-rows', '100', '--batch-size', '16')
  const [there, here] = [openCache(at('there')), openCache(at('here'))]
  const [texts, pairs] = [rows.map(([text]) => text), rows.map(([, b]) => b)]
  const logits = here.rows(texts, pairs)
  const error = apart(there.rows(texts, pairs), logits)
  tell(
    there.size === rows.length && error < BAR,
    `${there.size} rows labelled in Python, logits ${error.toExponential(1)} from ours`,
  )
  const { ids, ...facts } = here.manifest.teacher
  const same = JSON.stringify({ ...facts, ids: null }) === JSON.stringify(there.manifest.teacher)
  tell(same && ids !== null, 'the same teacher by weights, config and tokenizer.json')
  theirs(...data, '--out', at('half'), '--dtype', 'float16', '--max-length', '9')
  tell(openCache(at('half')).size === rows.length, 'float16, fewer tokens')

  // Written here.
  const read = (folder) => JSON.parse(mustDo(python, [half, 'read', at(folder)], JSON.stringify(rows)))
  const back = read('here')
  const keys = rows.filter(([text, b], i) => keyOfText(text, b).join() !== back.keys[i].join())
  tell(
    keys.length === 0,
    `${rows.length - keys.length} of ${rows.length} keys equal ${keys.map((k) => JSON.stringify(k)).join(' ')}`,
  )
  tell(apart(back.logits.flat(), logits) === 0, 'our cache read there, to the bit')
  ours(
    'label',
    ...data,
    '--out',
    at('rich'),
    '--top-k',
    '2',
    '--dtype',
    'float16',
    '--hidden',
    'all',
    '--layers',
    '0,2',
  )
  const [rich, richBack] = [openCache(at('rich')), read('rich')]
  const places = rich.locate({ texts, pairs })
  const states = [0, 2].map((layer) =>
    apart(richBack.hidden[layer].flat(), rich.hidden(layer, places).values),
  )
  const top = apart(richBack.logits.flat(), rich.logits(places))
  tell(
    top < 1e-6 && Math.max(...states) === 0,
    `top logits spread alike (${top.toExponential(1)}), states to the bit`,
  )
  mustDo(python, [cachePy, at('here')])

  // Learnt from.
  writeFileSync(
    at('train.tsv'),
    plain
      .slice(0, 200)
      .map((text, i) => `${text} more\t${['bad', 'good', 'so so'][i % 3]}`)
      .join('\n'),
  )
  writeFileSync(at('more.jsonl'), jsonl(plain.map((text) => [`${text} more`, null])))
  const more = ['--teacher', at('teacher'), '--data', at('more.jsonl')]
  theirs(...more, '--out', at('more-there'))
  ours('label', ...more, '--out', at('more-here'))
  const taught = ['more-there', 'more-here'].map((cache) => {
    const out = at(`student-${cache}`)
    ours(
      ...[
        'distill',
        '--recipe',
        'hinton',
        '--teacher',
        at(cache),
        '--student',
        'tiny',
        '--tokenizer',
        at('teacher'),
      ],
      ...[
        '--train',
        at('train.tsv'),
        '--out',
        out,
        '--augment',
        '0',
        '--steps',
        '5',
        '--batch-size',
        '16',
        '--force',
      ],
    )
    const { tensors } = readSafetensors(readFileSync(join(out, 'model.safetensors')))
    return [...tensors.values()].flatMap((t) => [...t.data])
  })
  const learnt = apart(...taught)
  tell(
    learnt < 1e-4,
    `distill --teacher takes either: students ${learnt.toExponential(1)} apart after 5 steps`,
  )

  // Parts, one by each.
  ours('split', '--data', at('more.jsonl'), '--out', at('parts'), '--rows', '160')
  theirs('--teacher', at('teacher'), '--parts', at('parts'), '--part', '0', '--out', at('caches'))
  ours('label', '--teacher', at('teacher'), '--parts', at('parts'), '--out', at('caches'))
  ours('join', '--parts', at('parts'), '--caches', at('caches'), '--out', at('joined'))
  const joined = openCache(at('joined'))
  tell(joined.size === 300, 'a part labelled there and one here join')
  tell(!readdirSync(at('caches')).some((name) => name.startsWith('.')), 'no attempt is left')

  // A teacher of before tokenizer.json.
  cpSync(at('teacher'), at('old'), { recursive: true })
  rmSync(at('old/tokenizer.json'))
  writeFileSync(at('few.jsonl'), jsonl(rows.slice(0, 30)))
  const old = ['--teacher', at('old'), '--data', at('few.jsonl')]
  theirs(...old, '--out', at('old-there'))
  ours('label', ...old, '--out', at('old-here'))
  const hashes = ['old-there', 'old-here'].map((folder) => openCache(at(folder)).manifest.teacher.tokenizer)
  tell(hashes[0] === hashes[1], 'without tokenizer.json it is known by vocab.txt')

  // What is wrong.
  const copy = (name, change) => {
    const folder = at(`bad-${name}`)
    cpSync(at('here'), folder, { recursive: true })
    change(folder)
    return folder
  }
  const shard = (folder) => join(folder, 'shard-00001.safetensors')
  const headerOf = (file) => Number(readFileSync(file).readBigUInt64LE(0))
  const inManifest = (from, to) => (folder) => {
    const file = join(folder, 'cache.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))
  }
  cpSync(at('teacher'), at('broken'), { recursive: true })
  const weights = readSafetensors(readFileSync(at('broken/model.safetensors')))
  weights.tensors.get('classifier.bias').elements.fill(Number.NaN)
  writeFileSync(
    at('broken/model.safetensors'),
    writeSafetensors(weights.tensors, { metadata: weights.metadata }),
  )
  writeFileSync(at('bad.jsonl'), '{"text": "a"}\n{"sentence": "b"}\n')
  cpSync(at('parts'), at('changed'), { recursive: true })
  flip(at('changed/part-000001.jsonl'), 12)
  const label = (...args) => ['--teacher', at('teacher'), '--out', at('refused'), ...args]
  const cases = [
    [
      /shard-00001.safetensors: its SHA-256 is not/,
      copy('flipped', (f) => flip(shard(f), 8 + headerOf(shard(f)) + 2)),
    ],
    [
      /shard-00001.safetensors: its keys' SHA-256/,
      copy('keys', (f) => flip(shard(f), readFileSync(shard(f)).length - 3)),
    ],
    [
      /shard-00001.safetensors: is torn|shard-00001.safetensors: its/,
      copy('torn', (f) => truncateSync(shard(f), 100)),
    ],
    [/shard-00001.safetensors: cannot be read/, copy('missing', (f) => rmSync(shard(f)))],
    [/cache.json: rows must be the sum/, copy('rows', inManifest(/"rows": 3\d\d,/, '"rows": 7,'))],
    [/cache.json: version must be 1 or 2/, copy('version', inManifest('"version": 2', '"version": 3'))],
    [
      /cache.json: file must be shard-00000/,
      copy('name', inManifest('shard-00000.safetensors', '../shard-00000.safetensors')),
    ],
    [/is not complete/, copy('part', inManifest('"complete": true', '"complete": false'))],
    [/cache.json: cannot be read/, at('nothing')],
    ...[
      [/bad.jsonl:2: must be \{"text"/, label('--data', at('bad.jsonl'))],
      [
        /broken.*|rows.jsonl:1: the teacher gives a logit that is not finite/,
        ['--teacher', at('broken'), '--data', at('rows.jsonl'), '--out', at('refused')],
      ],
      [
        /nothing: has no config.json/,
        ['--teacher', at('nothing'), '--data', at('rows.jsonl'), '--out', at('refused')],
      ],
      [/part-000001.jsonl: has changed/, label('--parts', at('changed'), '--part', '1')],
      [/--part: must be 0 to 1/, label('--parts', at('parts'), '--part', '2')],
      [/takes at most 64 tokens/, label('--data', at('rows.jsonl'), '--max-length', '65')],
      [/is there already/, [...data, '--out', at('here')]],
    ],
  ]
  for (const [text, given] of cases) {
    const { status, stderr } = call(
      python,
      typeof given === 'string' ? [cachePy, given] : [labelPy, ...given],
    )
    const lines = stderr.trim().split('\n')
    const one = lines.filter((line) => /^(tinystill_cache|label): /.test(line))
    tell(status === 1 && one.length === 1 && text.test(one[0]) && !/Traceback/.test(stderr), one[0] ?? stderr)
  }
  tell(!existsSync(at('refused')), 'nothing is left of what was refused')
} finally {
  rmSync(root, { recursive: true })
}
console.log(`cache: ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
