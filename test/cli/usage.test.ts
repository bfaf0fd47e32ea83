// Options that rule each other out, that say nothing without another one, or that the model cannot have: wrong usage, exit code
// 2 and one line that names the option, before anything is written.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.js'
import { saveTinyModel } from './model.js'
import { reviews, run } from './program.js'

const root = mkdtempSync(join(tmpdir(), 'tinystill-usage-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (name: string) => join(root, name)
writeFileSync(
  at('rows.tsv'),
  reviews(8)
    .map((row) => row.join('\t'))
    .join('\n'),
)
const rows = at('rows.tsv')
const bert = at('bert')
beforeAll(async () => {
  const shape = {
    ...{ model_type: 'bert', hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2 },
    ...{ intermediate_size: 16, max_position_embeddings: 32 },
  }
  writeFileSync(at('bert.json'), JSON.stringify(shape))
  const made = ['--model', at('bert.json'), '--train', rows, '--epochs', '1', '--out', bert, '--quiet']
  expect(await run('train', ...made)).toMatchObject({ code: 0 })
})
saveTinyModel(at('own'))
const out = ['--out', at('out')]

const train = ['train', '--model', 'tiny', '--train', rows, ...out]
const label = ['label', '--teacher', bert, ...out]
const distill = ['distill', '--train', rows, '--teacher', bert, ...out]
const hinton = [...distill, '--recipe', 'hinton', '--student', 'tiny']
const prune = ['prune', '--model', bert, ...out, '--method', 'magnitude', '--sparsity', '0.5']
const trained = [...prune, '--train', rows]
const movement = ['prune', '--model', bert, ...out, '--method', 'movement', '--sparsity', '0.5']
const shrink = ['shrink', '--model', bert, ...out]
const heads = [...shrink, '--heads', '0.5']
const quantize = ['quantize', '--model', bert, ...out]
const exported = ['export', '--model', bert, ...out]

const wrong: [string[], RegExp][] = [
  [[...train, '--epochs', '1', '--steps', '2'], /--steps.*cannot be used with.*--epochs/],
  [[...train, '--task', 'mlm', '--labels', 'a,b'], /--labels: words of plain text have none/],
  [[...train, '--metric', 'rmse', '--dev', rows], /--metric rmse/],
  [[...train, '--max-length', '4096'], /--max-length 4096: the model takes at most/],
  [[...train, '--class-weights', '1,2,3'], /--class-weights/],
  [label, /Give --data or --parts, one of them/],
  [[...label, '--data', rows, '--parts', at('parts')], /Give --data or --parts, one of them/],
  [[...label, '--data', rows, '--part', '1'], /--part and --of go with --parts/],
  [[...label, '--data', rows, '--layers', '0'], /--layers: goes with --hidden/],
  [[...label, '--data', rows, '--top-k', '99'], /--top-k 99: the teacher has/],
  [[...label, '--data', rows, '--max-length', '4096'], /--max-length 4096: the teacher takes at most/],
  [[...distill, '--recipe', 'hinton'], /--student or --from-layers/],
  [[...hinton, '--from-layers', '0'], /--from-layers.*cannot be used with.*--student/],
  [[...hinton, '--teacher', bert, bert], /--teacher: the recipe hinton takes one/],
  [[...hinton, '--sparsity', '0.5'], /--sparsity goes with --prune/],
  [[...hinton, '--prune', 'movement'], /--sparsity: movement needs the share/],
  [
    [...hinton, '--prune', 'lottery', '--sparsity', '0.5', '--baseline'],
    /--baseline: lottery is a row of trainings/,
  ],
  [[...hinton, '--text', rows], /--text: the recipe hinton has no stage that learns from plain text/],
  [
    [...distill, '--recipe', 'q8bert', '--quantize-aware'],
    /--quantize-aware: the recipe q8bert quantizes by a scheme of its own/,
  ],
  [
    [...distill, '--recipe', 'q8bert', '--prune', 'movement', '--sparsity', '0.5'],
    /--prune: the stage .* quantizes its student/,
  ],
  [[...distill, '--recipe', 'minilm', '--student', 'tiny', '--augment', '5'], /--augment: the recipe minilm/],
  [['prune', '--model', bert, ...out, '--method', 'magnitude'], /--sparsity: magnitude needs the share/],
  [[...prune, '--pattern', '4'], /pattern must be single/],
  [[...prune, '--pattern', '2:4', '--sparsity', '0.9'], /2:4 leaves 0.5 of the weights/],
  [[...prune, '--pattern', '1000x1000'], /does not divide into blocks/],
  [[...prune, '--rounds', '3'], /--rounds goes with --method lottery/],
  ...['--teacher', '--T', '--alpha', '--transfer', '--begin', '--hold', '--steps', '--lr', '--warmup'].map(
    (flag): [string[], RegExp] => [
      [...prune, flag, { '--teacher': bert, '--transfer': rows }[flag] ?? '1'],
      new RegExp(`${flag} goes with training: --train`),
    ],
  ),
  ...['--baseline', '--force', '--tensorboard', '--keep-checkpoints'].map((flag): [string[], RegExp] => [
    [...prune, flag],
    new RegExp(`${flag} goes with training: --train`),
  ]),
  [
    [...trained, '--epochs', '0', '--seeds', '3'],
    /--seeds goes with training: --train, and --epochs of 1 or more/,
  ],
  [[...prune, '--max-length', '8'], /--max-length goes with --dev or --test/],
  [[...prune, '--batch-size', '8'], /--batch-size goes with --dev or --test/],
  [[...prune, '--dev', rows, '--test', rows], /--dev and --test: without training one of them is judged/],
  [movement, /--method movement learns its scores/],
  [[...trained, '--T', '3'], /--T goes with --teacher DIR/],
  [[...trained, '--transfer', rows], /--transfer goes with --teacher DIR/],
  [[...trained, '--baseline'], /--baseline goes with --teacher DIR/],
  [[...trained, '--score-lr', '1'], /--score-lr goes with --method movement/],
  [[...trained, '--scores', 'zero'], /--scores goes with --method movement/],
  [[...trained, '--penalty', '1'], /--penalty goes with --method soft-movement/],
  [[...trained, '--threshold', '0.1'], /--threshold goes with --method soft-movement/],
  [[...trained, '--beside', 'magnitude'], /--beside magnitude: is the method itself/],
  [[...trained, '--method', 'lottery', '--beside', 'magnitude'], /--beside goes with --method magnitude, /],
  [[...prune, '--beside', 'movement'], /--beside goes with training: --train/],
  [shrink, /nothing is to be cut/],
  [[...shrink, '--size', '1MB', '--parameters', '1M'], /--parameters and --size: one aim at a time/],
  [[...heads, '--neurons', '0.5', '--size', '1MB'], /--heads and --neurons say how many stay/],
  [[...shrink, '--rank', '0.5', '--energy', '0.5'], /--rank.*cannot be used with.*--energy/],
  [[...shrink, '--tolerance', '1'], /--tolerance goes with --dev/],
  [[...shrink, '--latency', '0.5'], /--latency is measured on texts/],
  [[...heads, '--heads-by', 'michel'], /--heads-by michel goes with --train/],
  [[...shrink, '--layers', '1', '--layers-by', 'first-order'], /--layers-by first-order goes with --train/],
  [[...heads, '--keep-shape', '--size', '1MB'], /--keep-shape leaves zeros/],
  [[...heads, '--retrain'], /--retrain goes with --train/],
  [[...heads, '--epochs', '1'], /--epochs goes with --retrain/],
  [[...heads, '--lr', '1'], /--lr goes with --retrain/],
  [[...heads, '--resume'], /--resume goes with --retrain/],
  [[...heads, '--texts', '5'], /--texts goes with --train/],
  [[...heads, '--max-length', '5'], /--max-length goes with --train, --dev, --test/],
  [[...heads, '--text-column', 'x'], /--text-column goes with --train, --dev, --test, --vocabulary/],
  [[...shrink, '--layers', '1', '--neurons-by', 'magnitude'], /--neurons-by goes with --neurons/],
  [[...shrink, '--layers', '1', '--raw'], /--raw goes with --heads/],
  [[...shrink, '--layers', '1', '--even'], /--even goes with --heads or --neurons/],
  [[...heads, '--layers-by', 'bottom'], /--layers-by goes with --layers/],
  [[...shrink, '--layers', '99'], /--layers 99: the model has/],
  [[...shrink, '--width', '9999'], /--width 9999: the model has/],
  ...['--tolerance', '--sensitivity'].map((flag): [string[], RegExp] => [
    [...quantize, flag, '1'],
    new RegExp(`${flag} goes with --dev`),
  ]),
  [[...quantize, '--beside', 'torch'], /--beside goes with --dev/],
  [[...quantize, '--max-length', '8'], /--max-length goes with --dev or --calibration/],
  [[...quantize, '--static', 'kl'], /--static and --calibration go together/],
  [[...quantize, '--calibration', rows], /--static and --calibration go together/],
  [[...exported, '--inputs', 'tensor'], /--inputs goes with whole numbers, --dtype q8: weights are fp32/],
  [
    [...exported, '--inputs', 'row', '--dtype', 'fp16'],
    /--inputs goes with whole numbers, --dtype q8: weights are fp16/,
  ],
  [['doctor', '--data', rows], /--data and --labels go with --model/],
  [
    ['predict', '--model', at('own'), '--text', 'x', '--json', '--jsonl'],
    /--jsonl.*cannot be used with.*--json/,
  ],
  [['demo', '--quick', '--full'], /--quick.*cannot be used with.*--full/],
]

describe('wrong usage', () => {
  it.each(wrong.map(([args, message]) => [args.join(' ').replaceAll(root, ''), args, message] as const))(
    '%s',
    async (_, args, message) => {
      const { code, err } = await run(...args, '--quiet')
      expect(err).toMatch(message)
      expect(err).toMatch(/^(tinystill|error): /m)
      expect(code).toBe(2)
      expect(existsSync(at('out'))).toBe(false)
    },
  )

  it('is not what the engine says of itself', async () => {
    const write = () => {
      throw new RangeError('Invalid string length')
    }
    const environment = {
      stdout: { write },
      stderr: { write: () => {} },
      now: () => 0,
      lines: async function* () {},
    }
    expect(await main(['inspect', at('own')], environment as never)).toBe(1)
  })
})
