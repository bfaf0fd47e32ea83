// What a run tells, as the frames that the site's pictures draw: losses by step, dev accuracy by step.

/** Points that a line has at most. */
const POINTS = 160
/** Steps of the running mean of a loss. */
const OVER = 25

const names = { teacher: 'teacher', student: 'distilled', alone: 'alone' }

/** The same colour in every picture. */
export const colours = {
  distilled: 0,
  alone: 1,
  teacher: 2,
  'alone, longer': 3,
  student: 0,
  soft: 4,
  hard: 5,
}

/** The lone student's second schedule, of as many steps as the other one's, has a line of its own. */
const lineOf = ({ who, stage }) => (who === 'alone' && stage !== 'alone' ? 'alone, longer' : names[who])

function thinned(xs, ys) {
  const every = Math.ceil(xs.length / POINTS)
  const keep = (_, i) => i % every === 0 || i === xs.length - 1
  return { x: xs.filter(keep), y: ys.filter(keep) }
}

/** A run that goes on does again what came after its last state. */
function cut({ x, y }, from) {
  while (x.at(-1) >= from) {
    x.pop()
    y.pop()
  }
}

const areNumbers = (list, n) => Array.isArray(list) && list.length === n && list.every(Number.isFinite)

/** A line as it was kept. Throws TypeError for what is none. */
function lineIn([name, { x, y, recent = [] }]) {
  if (typeof name !== 'string' || !areNumbers(x, x?.length) || !areNumbers(y, x.length))
    throw new TypeError('this is no line')
  if (!areNumbers(recent, Math.min(recent.length, OVER))) throw new TypeError('these are no losses')
  return [name, { x, y, recent }]
}

export class Curves {
  /** By name: { x, y, mean }. */
  #losses = new Map()
  #accuracy = new Map()
  /** Of each model the last step. */
  last = new Map()

  /** Plain data, for of(). */
  get state() {
    const last = Array.from(this.last.values(), ({ who, done }) => ({ who, done }))
    return { losses: [...this.#losses], accuracy: [...this.#accuracy], last }
  }

  /** Of a state from anywhere. Throws TypeError where it is none. */
  static of({ losses, accuracy, last }) {
    const curves = new Curves()
    curves.#losses = new Map(losses.map(lineIn))
    curves.#accuracy = new Map(accuracy.map(lineIn))
    for (const { who, done } of last) {
      if (!Object.hasOwn(names, who) || !Number.isFinite(done)) throw new TypeError('this is no step')
      curves.last.set(who, { who, done })
    }
    return curves
  }

  /** How far each model is. */
  get progress() {
    return Array.from(this.last.values(), ({ who, done }) => `${names[who]} ${Math.round(100 * done)}%`).join(
      ', ',
    )
  }

  step(step) {
    this.last.set(step.who, step)
    const terms = Object.keys(step.terms).length > 1 ? step.terms : {}
    const line = lineOf(step)
    for (const [term, value] of Object.entries({ '': step.loss, ...terms })) {
      if (term !== '' && step.who !== 'student') continue
      this.#add(this.#losses, term === '' ? line : term, step.step, value)
    }
  }

  judged(judged) {
    const line = lineOf(judged)
    const known = this.#accuracy.get(line) ?? { x: [], y: [] }
    cut(known, judged.step + 1)
    if (known.x.at(-1) !== judged.step) {
      known.x.push(judged.step)
      known.y.push(judged.figures.accuracy)
    }
    this.#accuracy.set(line, known)
  }

  #add(map, name, x, y) {
    const known = map.get(name) ?? { x: [], y: [], recent: [] }
    cut(known, x)
    known.recent.push(y)
    if (known.recent.length > OVER) known.recent.shift()
    known.x.push(x)
    known.y.push(known.recent.reduce((a, b) => a + b, 0) / known.recent.length)
    map.set(name, known)
  }

  #frame(map, range) {
    const series = Array.from(map, ([name, { x, y }]) => ({
      ...{ name, ...thinned(x, y), points: false },
      ...(Object.hasOwn(colours, name) && { colour: colours[name] }),
    }))
    return { kind: 'plot', label: '', series, range }
  }

  /** `who`: whose losses are shown. */
  losses(who = 'student') {
    const own = [...this.#losses].filter(([name]) =>
      who === 'teacher' ? name === 'teacher' : name !== 'teacher',
    )
    return this.#frame(new Map(own), { x: null, y: null })
  }

  accuracy() {
    return this.#frame(this.#accuracy, { x: null, y: null })
  }

  /** For the report: lines of [x, y]. */
  lines(which) {
    const map = which === 'losses' ? this.#losses : this.#accuracy
    return Array.from(map, ([name, { x, y }]) => ({ name, points: x.map((v, i) => [v, y[i]]) }))
  }
}
