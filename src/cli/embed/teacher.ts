// What teaches a sentence encoder: a model, or a cache of its vectors.
import { isCache } from '../../files/cache/manifest.js'
import { openCache } from '../../files/cache/reader.js'
import { loadSentenceEncoder, type SentenceFolder } from '../../files/sentence/sentence-folder.js'
import { selectRows } from '../../nn/data.js'
import { type Embedder, embed, type Vectors } from '../../train/embedding/vectors.js'
import type { Context } from '../shared/command.js'
import { embedLength } from './data.js'

/** What teaches: a model, or a cache of its vectors. */
export interface VectorTeacher {
  folder: string
  /** null: a cache. */
  loaded: SentenceFolder | null
  size: number
  /** Tokens that it read of a text; null: as many as the student. */
  maxLength: number | null
  vectors(texts: readonly string[], file: string): Promise<Float32Array>
}

export function openTeacher(
  folder: string,
  maxLength: number | undefined,
  { progress }: Context,
): VectorTeacher {
  if (isCache(folder)) {
    const cache = openCache(folder)
    return {
      ...{ folder, loaded: null, size: cache.vectorSize, maxLength: cache.manifest.settings.maxLength },
      vectors: async (texts, file) => cache.vectors(cache.locate({ texts, file })),
    }
  }
  const loaded = loadSentenceEncoder(folder)
  const own: Embedder = { ...loaded, maxLength: maxLength ?? embedLength(loaded) }
  return {
    ...{ folder, loaded, size: loaded.model.size, maxLength: null },
    vectors: async (texts) => {
      progress.start(`${folder}: vectors`, texts.length)
      const { values } = await embed(own, texts, { onBatch: (done) => progress.update(done, {}) })
      progress.finish('')
      return values
    },
  }
}

/** Of a text that comes again the vector is computed once. */
export async function vectorsOf(
  teacher: VectorTeacher,
  texts: readonly string[],
  file: string,
): Promise<Vectors> {
  const different = [...new Set(texts)]
  const values = await teacher.vectors(different, file)
  if (different.length === texts.length) return { values, size: teacher.size }
  const at = new Map(different.map((text, i) => [text, i]))
  return {
    values: selectRows(
      values,
      teacher.size,
      texts.map((text) => at.get(text) as number),
    ),
    size: teacher.size,
  }
}
