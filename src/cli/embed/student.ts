// The student of a distillation of sentence embeddings: layers of the teacher, a folder's encoder, or a new one.
import { randomScope } from '../../autograd/random.js'
import { type EmbedRecipe, everyThird } from '../../distill/embedding/recipes.js'
import { embeddingsOf } from '../../distill/from-embeddings.js'
import { sentenceFromLayers } from '../../distill/from-layers.js'
import type { Student } from '../../distill/plan/runner.js'
import { isFolder } from '../../files/disk.js'
import { startModel } from '../../files/models/start.js'
import {
  isSentenceFolder,
  loadSentenceEncoder,
  type SentenceFolder,
} from '../../files/sentence/sentence-folder.js'
import { Normalize, SentenceEncoder } from '../../nn/models/sentence.js'
import type { Transformer } from '../../nn/models/transformer.js'
import { keyOf } from '../../tensor/rng.js'
import type { DistillOptions } from '../distill/options.js'
import { embedLength } from './data.js'
import type { VectorTeacher } from './teacher.js'

/** A student with what it reads texts by. */
export type VectorStudent = Pick<SentenceFolder, 'model' | 'tokenizer' | 'prompts' | 'usualLength'> & {
  /** For people: 'tiny', 'layers 0, 3 of the teacher'. */
  name: string
}

/** A new one from a seed, with its teacher's prompts where it has none of its own. Throws RangeError where nothing says what it is. */
export function studentOf(
  recipe: EmbedRecipe,
  options: DistillOptions,
  { loaded, folder }: VectorTeacher,
  texts: readonly string[],
): VectorStudent {
  const { student: source, fromLayers, seed, tokenizer } = options
  const layers = fromLayers ?? (recipe.student === 'layers' && source === undefined ? true : null)
  if (layers !== null) {
    if (loaded === null)
      throw new RangeError(`--student must say what the student is: ${folder} holds vectors, no model`)
    const own = layers === true ? everyThird(loaded.model.config.layers) : layers
    return {
      ...loaded,
      model: sentenceFromLayers(loaded.model, own),
      name: `layers ${own.join(', ')} of the teacher`,
    }
  }
  if (source === undefined) throw new RangeError('--student or --from-layers must say what the student is')
  if (isSentenceFolder(source)) return { ...loadSentenceEncoder(source), name: source }
  const started = randomScope(keyOf(seed, 'init', 0), () =>
    startModel(source, {
      ...{
        as: 'base',
        labels: ['embedding'],
        texts,
        tokenizer: tokenizer ?? (loaded === null ? undefined : folder),
      },
    }),
  )
  const base = started.model as Transformer
  const steps =
    loaded === null || loaded.model.steps.some((step) => step instanceof Normalize) ? [new Normalize()] : []
  const model = new SentenceEncoder(base, { pooling: loaded?.model.pooling ?? 'mean', steps })
  if (loaded !== null && !isFolder(source) && options.embeddings === 'teacher')
    embeddingsOf(loaded.model as unknown as Student)(model as unknown as Student)
  return {
    ...{
      model,
      tokenizer: started.tokenizer,
      name: source,
      usualLength: embedLength({ ...started, usualLength: base.config.maxLength }),
    },
    prompts: loaded?.prompts ?? { named: new Map(), usual: null },
  }
}
