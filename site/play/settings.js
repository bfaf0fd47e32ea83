// What a reader can set in the playground: one record each, from which the page draws its controls, links keep them, and a
// hash from a stranger is checked.

/** How a number is shown: as it is, or by powers of ten. */
export const settings = [
  // The student.
  { name: 'layers', group: 'student', label: 'layers', from: 1, to: 4, step: 1, usual: 1 },
  { name: 'width', group: 'student', label: 'width', from: 16, to: 192, step: 16, usual: 32 },
  // The teacher that is trained here.
  { name: 'teacherLayers', group: 'teacher', label: 'layers', from: 1, to: 6, step: 1, usual: 1 },
  { name: 'teacherWidth', group: 'teacher', label: 'width', from: 32, to: 256, step: 32, usual: 128 },
  { name: 'teacherEpochs', group: 'teacher', label: 'epochs', from: 1, to: 20, step: 1, usual: 6 },
  // What passes from one to the other.
  { name: 'T', group: 'losses', label: 'temperature T', from: 0.5, to: 10, step: 0.5, usual: 2 },
  {
    name: 'alpha',
    group: 'losses',
    label: 'alpha, the share of the soft targets',
    from: 0.05,
    to: 0.95,
    step: 0.05,
    usual: 0.9,
  },
  { name: 'soft', group: 'losses', label: 'soft targets', usual: true },
  { name: 'hard', group: 'losses', label: 'labels', usual: true },
  { name: 'hidden', group: 'losses', label: 'hidden states', usual: false },
  { name: 'attentionProbs', group: 'losses', label: 'attention', usual: false },
  // The training.
  {
    name: 'rows',
    group: 'training',
    label: 'labelled rows used',
    from: 200,
    to: 20000,
    step: 100,
    usual: 2000,
  },
  {
    name: 'transfer',
    group: 'training',
    label: 'unlabelled rows used',
    from: 0,
    to: 20000,
    step: 500,
    usual: 6000,
  },
  { name: 'epochs', group: 'training', label: 'epochs', from: 1, to: 20, step: 1, usual: 2 },
  {
    name: 'lr',
    group: 'training',
    label: 'learning rate, thousandths',
    from: 0.1,
    to: 10,
    step: 0.1,
    usual: 3,
  },
  { name: 'seed', group: 'training', label: 'seed', from: 1, to: 999, step: 1, usual: 1 },
  { name: 'strict', group: 'training', label: 'the same bits everywhere', usual: false },
]

export const usual = () => Object.fromEntries(settings.map(({ name, usual }) => [name, usual]))

export const isSwitch = ({ usual }) => typeof usual === 'boolean'

/** A number on the setting's own grid; null for what is none. */
function numberOf({ from, to, step }, text) {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) return null
  return Number(Math.min(to, Math.max(from, Math.round(value / step) * step)).toFixed(4))
}

const PREFIX = '#play='
const LONGEST = 600

/** The address of these settings: behind '#', which no server sees. Those that are as usual are left out. */
export function hashOf(values) {
  const own = settings.filter(({ name, usual }) => values[name] !== usual)
  return own.length === 0 ? '' : PREFIX + own.map(({ name }) => `${name}:${Number(values[name])}`).join(',')
}

/** What a hash sets, as numbers and switches alone; null where it is no hash of ours. It runs nothing. */
export function valuesIn(hash) {
  if (!hash.startsWith(PREFIX) || hash.length > LONGEST) return null
  const given = new Map(
    hash
      .slice(PREFIX.length)
      .split(',')
      .map((part) => part.split(':')),
  )
  const values = usual()
  for (const setting of settings) {
    const text = given.get(setting.name)
    if (text === undefined) continue
    const value = isSwitch(setting) ? { 0: false, 1: true }[text] : numberOf(setting, text)
    if (value !== undefined && value !== null) values[setting.name] = value
  }
  return values
}
