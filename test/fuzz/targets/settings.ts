// Settings of --config, JSON and YAML: read, parted and put into a plan, which must be one that can be trained.
import { join } from 'node:path'
import { partConfig, withConfig } from '../../../src/distill/plan/config.js'
import { lossesOf, type Plan } from '../../../src/distill/plan/plan.js'
import { recipes } from '../../../src/distill/recipes/index.js'
import { readSettings } from '../../../src/files/settings-file.js'
import type { Dice } from '../../io/mutants.js'
import { hostileTexts, pick, struck } from '../bytes.js'
import { plainJson, textIn } from '../plain.js'
import { slot } from '../slot.js'
import type { Target } from '../target.js'
import { spoiler } from './models.js'

const occasion = { transfer: true, labelled: 1000, transferRows: 5000, pretrained: false }
const [hinton] = recipes
const stage = hinton.plan({}, occasion, 'x').stages[0].name

const documents = [
  { T: 3, alpha: 0.7, epochs: 2, lr: 1e-4, betas: [0.9, 0.99], schedule: 'cosine', keep: 'last' },
  {
    batchSize: 8,
    stages: { [stage]: { lr: 1e-5, data: 'transfer', losses: { soft: { weight: 2, T: 4 } } } },
  },
  {
    stages: {
      [stage]: {
        layerMap: [[1, 2]],
        losses: { hidden: { weight: { from: 0, to: 1 } }, hard: { weight: 0 } },
      },
    },
  },
]

const yamls = [
  `# settings\nT: 3\nalpha: 0.7\nepochs: 2\nbetas: [0.9, 0.99]\nschedule: "cosine"\n`,
  `stages:\n  ${stage}:\n    lr: 1e-5\n    losses:\n      soft: { weight: 2, T: 4 }\n      hard: {weight: 0}\n`,
  `a: &a [1, 2]\nstages:\n  ${stage}: &s\n    layerMap: [[1, 2]]\n    losses: { hidden: { weight: { from: 0, to: 1 } } }\n`,
]
/** What YAML has and JSON has not, as far as it has done harm somewhere. */
const tricks = [
  ...[
    '&a ',
    '*a',
    '*b',
    '<<: *a\n',
    '!!binary aGk=',
    '!!set {a}',
    '!!omap [a: 1]',
    '!!js/function x',
    '!x y',
    '? a\n: b\n',
  ],
  ...[
    '%YAML 1.1\n---\n',
    '---\n',
    '...\n',
    '\t',
    '- ',
    '? [a]\n',
    '|\n  x\n',
    '>-\n',
    '!!float x',
    '!!int 1',
    '!!timestamp 2020-01-01',
  ],
  ...[
    '2020-01-01',
    '.inf',
    '-.INF',
    '.nan',
    '~',
    'yes',
    '0o7',
    '0x1f',
    '1_000',
    '1:30',
    '__proto__: {x: 1}\n',
  ],
  ...[
    'constructor: {prototype: {x: 1}}\n',
    'T: 1\nT: 2\n',
    '"__proto__": 1\n',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '@',
    '`',
  ],
]

function bomb(roll: Dice): string {
  const n = pick(roll, [3, 9, 30])
  const lines = Array.from(
    { length: n },
    (_, i) => `x${i}: &x${i} [${i === 0 ? '1' : Array(9).fill(`*x${i - 1}`)}]`,
  )
  return `${lines.join('\n')}\nT: 2\n`
}

function yaml(roll: Dice): Uint8Array {
  const way = roll(60)
  if (way === 0) return new TextEncoder().encode(bomb(roll))
  if (way === 1) {
    const n = pick(roll, [10, 64, 65, 500, 6000])
    const [open, close] = pick(roll, [
      ['[', ']'],
      ['{a: ', '}'],
      ['- ', ''],
      ['? ', ''],
    ] as const)
    return new TextEncoder().encode(
      `T: 2\nx: ${open === '- ' || open === '? ' ? '\n  ' : ''}${open.repeat(n)}1${close.repeat(n)}`,
    )
  }
  let text = pick(roll, yamls)
  for (let n = pick(roll, [0, 1, 1, 1, 2, 3]); n > 0; n--) {
    // At the start of a line more often than not.
    const starts = [...text.matchAll(/^ *|(?<=: )/gm)].map((m) => m.index + m[0].length)
    const at = roll(3) === 0 ? roll(text.length + 1) : pick(roll, starts)
    text =
      text.slice(0, at) + (roll(4) === 0 ? pick(roll, hostileTexts) : pick(roll, tricks)) + text.slice(at)
  }
  const bytes = new TextEncoder().encode(text)
  return roll(6) === 0 ? struck(bytes, roll) : bytes
}

function planOf(file: string): Plan {
  const { options, rest } = partConfig(file, readSettings(file), hinton.settings)
  return withConfig(hinton.plan(options, occasion, file), file, rest)
}

const isNumber = (x: unknown, from: number, to: number) => typeof x === 'number' && x >= from && x <= to

/** What would keep the plan from being trained. */
function wrongPlan(plan: Plan): string | null {
  for (const stage of [...plan.stages, plan.baseline]) {
    const { fit, layerMap } = stage
    const wholes = [fit.epochs, fit.batchSize, fit.accumulate]
    const { steps } = fit
    if (steps !== null && !(isNumber(steps, 1, 1e9) && Math.floor(steps) === steps)) return `steps ${steps}`
    if (!wholes.every((x) => isNumber(x, 1, 65536) && Math.floor(x) === x)) return `counts ${wholes}`
    if (!isNumber(fit.lr, 0, 10) || !isNumber(fit.weightDecay, 0, 10) || !isNumber(fit.warmup, 0, 1e9))
      return 'rates'
    if (fit.betas.length !== 2 || !fit.betas.every((x) => isNumber(x, 0, 1))) return 'betas'
    if (!['constant', 'linear', 'cosine'].includes(fit.schedule)) return `schedule ${fit.schedule}`
    if (Object.getPrototypeOf(fit) !== Object.prototype) return 'another prototype'
    const losses = lossesOf(stage)
    if (losses.length === 0) return 'no loss'
    for (const { weight } of losses)
      if (
        !(typeof weight === 'number' ? [weight] : [weight.from, weight.to]).every((x) =>
          isNumber(x, 0, Number.MAX_VALUE),
        )
      )
        return 'weights'
    const pairs = Array.isArray(layerMap) ? layerMap : []
    if (pairs.some((p) => !p.every((x: unknown) => Number.isSafeInteger(x)))) return 'layers'
  }
  return null
}

const makers = { json: spoiler(documents), yaml }

export const settingsTargets: readonly Target[] = (['json', 'yaml'] as const).map((format) => ({
  name: `settings-${format}`,
  share: 4,
  open(folder) {
    const file = join(folder, `settings.${format}`)
    const fill = slot(file)
    return {
      make: makers[format],
      read: (bytes) => {
        fill(bytes)
        return planOf(file)
      },
      judge: (bytes, value) => {
        if (format === 'json' ? plainJson(bytes) === null : textIn(bytes) === null)
          return 'it is no text, or names twice'
        return wrongPlan(value as Plan)
      },
    }
  },
}))
