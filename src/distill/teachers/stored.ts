// A teacher of which there are only its outputs, kept by tinystill label: logits, and the hidden states of some layers.
import { tensor } from '../../autograd/create.js'
import { within } from '../../autograd/trace.js'
import { TinystillError } from '../../errors.js'
import type { HiddenKind } from '../../files/cache/manifest.js'
import type { CachedTargets } from '../../files/cache/reader.js'
import type { HiddenRows } from '../../files/cache/shard.js'
import type { TextInput } from '../../nn/models/input.js'
import { ints, type Tensor } from '../../tensor/tensor.js'
import { layerMap } from '../layer-map.js'
import type { TeacherOutput, TeacherShape } from '../plan/loss.js'
import { lossesOf, paddedBy, type StageData, type StagePlan } from '../plan/plan.js'
import type { TeacherSource } from './source.js'

/** A teacher of which there are the outputs alone, by rows. */
export interface StoredTeacher {
  /** For errors: the cache's folder. */
  name: string
  /** Which states are kept, and of which layers: 0 are the embeddings. */
  hidden: HiddenKind
  layers: readonly number[]
  /** null where no states are kept. */
  shape: TeacherShape | null
  /** Of the rows of data(kind), as Bench has them. */
  targets(kind: StageData): CachedTargets
}

/** Layers of the teacher whose states a stage's losses read, rising. Throws RangeError for a map that does not fit. */
function layersRead(stage: StagePlan, student: number, teacher: number): number[] {
  const read = lossesOf(stage).flatMap(({ loss }) => {
    if (!loss.needs.outputs?.hiddenStates) return []
    if (!loss.needs.layerMap) return [teacher]
    return layerMap(stage.layerMap ?? 'uniform', { student, teacher }).hidden.map(([, t]) => t)
  })
  return [...new Set(read)].sort((a, b) => a - b)
}

/**
 * Throws TinystillError naming stage, loss and what was not kept: outputs other than hidden states, layers, or all tokens; and
 * where a stage must hear the teacher itself. student: its number of layers.
 */
export function checkStored(stage: StagePlan, student: number, stored: StoredTeacher): void {
  const { name, task, teacherDropout } = stage
  const { name: folder, hidden, layers, shape } = stored
  const lacks = (what: string, remedy: string): never => {
    throw new TinystillError(`${name}: ${what}`, remedy)
  }
  const itself = "Give the teacher's own folder by --teacher"
  if (teacherDropout) lacks(`teacherDropout needs the teacher itself, ${folder} holds its outputs`, itself)
  if (task === 'words')
    lacks(`its teacher must guess words that are masked anew each time, ${folder} holds its outputs`, itself)
  const losses = lossesOf(stage)
  const padded = paddedBy(stage) !== null
  for (const { name: own, loss } of losses) {
    const { outputs = {}, firstToken = false } = loss.needs
    const wanted = Object.entries(outputs).flatMap(([what, on]) => (on ? [what] : []))
    const other = wanted.find((what) => what !== 'hiddenStates')
    if (other !== undefined)
      lacks(`${own} reads the teacher's ${other}, ${folder} holds logits and hidden states at most`, itself)
    if (wanted.length === 0) continue
    if (shape === null)
      lacks(`${own} reads hidden states, ${folder} holds none`, 'tinystill label --hidden all keeps them')
    if (hidden === 'cls' && !firstToken)
      lacks(
        `${own} compares all tokens, ${folder} holds the first of each text`,
        'tinystill label --hidden all keeps them',
      )
    if (padded && loss.options.padding === true)
      lacks(`${own} counts padding, of which ${folder} holds no states`, `Leave ${own}.padding false`)
  }
  if (shape === null) return
  const needed = layersRead(stage, student, shape.layers)
  if (needed.every((layer) => layers.includes(layer))) return
  lacks(
    `its losses read the states of layers ${needed.join(', ')}, ${folder} holds ${layers.join(', ')}`,
    `tinystill label --hidden ${hidden === 'cls' ? 'cls' : 'all'} --layers ${needed.join(',')} keeps them, or give a layerMap`,
  )
}

/**
 * What was kept for the rows of a stage that checkStored() lets pass. The source throws TinystillError for a text that the
 * teacher read as another number of tokens, and what the cache throws.
 */
export function storedOutputs(stage: StagePlan, student: number, stored: StoredTeacher): TeacherSource {
  const targets = stored.targets(stage.data)
  const { classes } = targets
  const layers = stored.shape === null ? [] : layersRead(stage, student, stored.shape.layers)
  return (rows, input) =>
    within('the teacher', (): TeacherOutput => {
      const hiddenStates: Tensor[] = []
      for (const layer of layers)
        hiddenStates[layer] = statesOf(targets.hidden(layer, rows), rows, input, stored)
      const logits = tensor(targets.rows(rows), { shape: [rows.length, classes] })
      return { logits, hiddenStates }
    })
}

/** [N, C] as unpadded texts have them, or [B, T, C] with zeros where nothing is kept: padding, or all but the first token. */
function statesOf(
  { values, starts, width }: HiddenRows,
  rows: Int32Array,
  input: TextInput,
  { name, hidden }: StoredTeacher,
): Tensor {
  const lengths = lengthsOf(input)
  const kept = (b: number) => starts[b + 1] - starts[b]
  const b = lengths.findIndex((n, i) => hidden !== 'cls' && n !== kept(i))
  if (b >= 0)
    throw new TinystillError(
      `${name}: the teacher read row ${rows[b]} as ${kept(b)} tokens, the student reads ${lengths[b]}`,
      "Hidden states that are kept need the same tokenizer and --max-length on both sides; give the teacher's own folder by --teacher, and they are compared at words",
    )
  if ('starts' in input) return tensor(values, { shape: [values.length / width, width] })
  const [B, T] = input.inputIds.shape
  const out = new Float32Array(B * T * width)
  for (let i = 0; i < B; i++)
    out.set(values.subarray(starts[i] * width, starts[i + 1] * width), i * T * width)
  return tensor(out, { shape: [B, T, width] })
}

/** Tokens of each text. */
function lengthsOf(input: TextInput): number[] {
  if ('starts' in input) {
    const at = ints(input.starts)
    return Array.from({ length: at.length - 1 }, (_, b) => at[b + 1] - at[b])
  }
  const [B, T] = input.inputIds.shape
  const mask = ints(input.attentionMask)
  return Array.from({ length: B }, (_, b) => mask.subarray(b * T, (b + 1) * T).reduce((n, m) => n + m, 0))
}
