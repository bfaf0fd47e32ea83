// Which layers of a deep teacher the layers of a shallower student learn from.

/** A layer of the student and the one of the teacher that it learns from. */
export type LayerPair = readonly [student: number, teacher: number]

/**
 * 'uniform': every k-th layer, k = teacher / student; TinyBERT's (Jiao et al. 2020).
 * 'last': the teacher's last ones; TinyBERT's "top".
 * 'skip': 'uniform' without the embeddings and the last layer, which the logits teach; PKD-Skip (Sun et al. 2019).
 * 'distilbert': spread from the first to the last, 0, 2, 4, 7, 9, 11 of 12 for 6; what DistilBERT's code copies.
 */
export type LayerMapName = 'uniform' | 'last' | 'skip' | 'distilbert'

/** Layers from 0. With `hidden` and `attention` given apart, hidden state 0 is the embeddings' output. */
export type CustomMap =
  | readonly LayerPair[]
  | { readonly hidden?: readonly LayerPair[]; readonly attention?: readonly LayerPair[] }

/** Of layerMap(): how deep both are. */
export interface LayerMapOptions {
  /** The numbers of layers. */
  student: number
  teacher: number
  /** Whether the embeddings' output and the student's last layer are in. Default true, for 'skip' false. */
  ends?: boolean
}

/** Which places of the teacher those of the student learn from. */
export interface LayerMap {
  /** Places among hidden states, 0 the embeddings' output, l + 1 the output of layer l. */
  hidden: LayerPair[]
  /** Places among the layers' attentions. */
  attention: LayerPair[]
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The teacher's layer for each of the student's, from 0. */
const layersOf: Record<LayerMapName, (student: number, teacher: number) => number[]> = {
  uniform: (M, N) => range(M).map((i) => (i + 1) * (N / M) - 1),
  skip: (M, N) => range(M).map((i) => (i + 1) * (N / M) - 1),
  last: (M, N) => range(M).map((i) => N - M + i),
  distilbert: (M, N) => range(M).map((i) => (M === 1 ? 0 : Math.round((i * (N - 1)) / (M - 1)))),
}

export const layerMapNames = Object.keys(layersOf) as LayerMapName[]

function misfit(kind: LayerMapName, student: number, teacher: number): RangeError {
  const depths = range(teacher).flatMap((i) => (teacher % (i + 1) === 0 ? [i + 1] : []))
  const maps = (['last', 'distilbert'] as const).map(
    (name) => `'${name}' (${layersOf[name](student, teacher).join(', ')})`,
  )
  return new RangeError(
    `layerMap: '${kind}' needs a teacher whose depth the student's divides, ${teacher} layers do not divide by ${student}. Maps that fit: ${maps.join(', ')}, or pairs of your own; '${kind}' fits students of ${depths.join(', ')} layers`,
  )
}

function checked(what: string, pairs: readonly LayerPair[], student: number, teacher: number): LayerPair[] {
  const seen = new Set<string>()
  return pairs.map((pair, i) => {
    const [s, t] = pair
    const fits = (n: number, count: number) => Number.isInteger(n) && n >= 0 && n < count
    if (pair.length !== 2 || !fits(s, student) || !fits(t, teacher)) {
      throw new RangeError(
        `layerMap: ${what} pair ${i} is [${pair.join(', ')}], the student has 0 to ${student - 1}, the teacher 0 to ${teacher - 1}`,
      )
    }
    if (seen.has(`${s} ${t}`)) throw new RangeError(`layerMap: ${what} pair [${s}, ${t}] stands there twice`)
    seen.add(`${s} ${t}`)
    return [s, t]
  })
}

/** Layer pairs as attention pairs, and as pairs of the states that the layers give. */
function fromLayers(pairs: readonly LayerPair[], { student, ends = true }: LayerMapOptions): LayerMap {
  const inner = ends ? pairs : pairs.filter(([s]) => s < student - 1)
  const states = inner.map(([s, t]): LayerPair => [s + 1, t + 1])
  return { hidden: ends ? [[0, 0], ...states] : states, attention: [...inner] }
}

/**
 * Pairs [student, teacher] of hidden states and of attentions, for hiddenLoss and attentionLoss. For 'uniform', 4 of 12
 * layers: hidden states 0, 3, 6, 9, 12 and attentions 2, 5, 8, 11 of the teacher. Own pairs are of layers, or of hidden states
 * and of attentions apart. Throws RangeError for depths that a map does not fit, with those that would, and for wrong pairs.
 */
export function layerMap(map: LayerMapName | CustomMap, options: LayerMapOptions): LayerMap {
  const { student, teacher } = options
  for (const [who, n] of Object.entries({ student, teacher }))
    if (!(Number.isInteger(n) && n > 0))
      throw new RangeError(`layerMap: the ${who}'s number of layers must be a whole number above 0, got ${n}`)
  if (typeof map !== 'string') return custom(map, options)
  if (!layerMapNames.includes(map))
    throw new RangeError(
      `layerMap: there is no map '${map}'. There are ${layerMapNames.join(', ')}, and pairs`,
    )
  if (student > teacher)
    throw new RangeError(
      `layerMap: a student of ${student} layers is deeper than its teacher of ${teacher}. Give pairs of your own`,
    )
  const even = map === 'uniform' || map === 'skip'
  if (even && teacher % student !== 0) throw misfit(map, student, teacher)
  const pairs = layersOf[map](student, teacher).map((t, s): LayerPair => [s, t])
  return fromLayers(pairs, { ends: map !== 'skip', ...options })
}

function custom(map: CustomMap, options: LayerMapOptions): LayerMap {
  const { student, teacher } = options
  if ('length' in map) {
    if (map.length === 0) throw new RangeError('layerMap: there are no pairs')
    return fromLayers(checked('layer', map, student, teacher), options)
  }
  const { hidden = [], attention = [] } = map
  if (hidden.length + attention.length === 0) throw new RangeError('layerMap: there are no pairs')
  return {
    hidden: checked('hidden', hidden, student + 1, teacher + 1),
    attention: checked('attention', attention, student, teacher),
  }
}
