// Text that a model writes: one word after the other, each from all before it, whose keys and values are kept.
import { tensor } from '../../autograd/create.js'
import { noGrad } from '../../autograd/graph.js'
import { tidy } from '../../autograd/tidy.js'
import { NonfiniteError, ShapeError } from '../../errors.js'
import type { KeyValues } from '../../nn/key-values.js'
import type { NextWords } from '../../nn/models/heads.js'
import { type Kinds, optionsArg, wholeArg } from '../../tensor/check.js'
import { keyOf, uniformAt } from '../../tensor/rng.js'
import type { Tensor } from '../../tensor/tensor.js'
import { breathe } from '../pace.js'
import { checkSampling, drawn, likeliest, probabilities, type Sampling } from './sampling.js'

/** Of generate(). */
export interface GenerateOptions extends Sampling {
  /** Default 50. The model's longest text ends it before that. */
  maxNewTokens?: number | undefined
  /** Always the likeliest word. Default: where neither temperature, topK nor topP is given. */
  greedy?: boolean | undefined
  /** Equal seeds draw equal words. Default 0. */
  seed?: number | undefined
  /** Ids behind which nothing comes, such as that of the end of a text. They are given too. */
  stop?: readonly number[] | undefined
}

const kinds: Kinds<GenerateOptions> = {
  ...{ maxNewTokens: 'whole', greedy: 'boolean', seed: 'whole', stop: 'any' },
  ...{ temperature: 'number', topK: 'whole', topP: 'number' },
}

/** Why there are no more words: one of `stop`, as many as asked for, or as long a text as the model takes. */
export type Ended = 'stop' | 'tokens' | 'context'

/** Logits [vocabulary] of the word behind `ids`, which come to the cache. */
function logitsOf(model: NextWords, ids: ArrayLike<number>, cache: KeyValues[]): Tensor {
  const inputIds = tensor(Int32Array.from(ids), { shape: [1, ids.length] })
  const [logits] = tidy(() => {
    const at = tensor(Int32Array.of(ids.length - 1))
    // tidy() keeps what it is given back: the cache too.
    return [noGrad(() => model.forward({ inputIds, cache }, { at })).logits, cache] as const
  })
  inputIds.dispose()
  return logits
}

/**
 * Ids that follow on `ids`, one by one as they are found; when there are no more, why. Between two the event loop gets its turns.
 * Greedy they are those of transformers' generate(). The model is in eval mode as long as it takes. Throws ShapeError for no ids
 * and for more than the model takes, RangeError for settings that mean nothing and ids outside the vocabulary, NonfiniteError for
 * logits that are NaN.
 */
export async function* generate(
  model: NextWords,
  ids: ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<number, Ended, undefined> {
  const op = 'generate'
  const { maxNewTokens = 50, seed = 0, stop = [], ...rest } = optionsArg(op, options, kinds)
  const { temperature, topK, topP, greedy = (temperature ?? topK ?? topP) === undefined } = rest
  wholeArg(op, 'maxNewTokens', maxNewTokens, 0)
  checkSampling(rest)
  const { maxLength } = model.config
  if (ids.length === 0)
    throw new ShapeError(op, 'there are no ids to go on from', 'Give the end of a text, or its first word')
  if (ids.length > maxLength)
    throw new ShapeError(op, `${ids.length} ids, the model takes ${maxLength}`, 'Give the last of them alone')
  const key = keyOf(seed, op)
  const { training } = model
  const cache = model.newCache(Math.min(maxLength, ids.length + maxNewTokens))
  model.eval()
  try {
    let next: ArrayLike<number> = ids
    for (let i = 0; i < maxNewTokens; i++) {
      if (cache[0] !== undefined && cache[0].length + next.length > maxLength) return 'context'
      const logits = logitsOf(model, next, cache)
      const values = logits.elements
      const id = greedy
        ? likeliest(values)
        : drawn(probabilities(values, { temperature, topK, topP }), uniformAt(key, i))
      logits.dispose()
      if (id < 0)
        throw new NonfiniteError(
          `${op}: the logits of word ${i + 1} are not finite`,
          'The weights are broken',
        )
      yield id
      if (stop.includes(id)) return 'stop'
      next = [id]
      await breathe()
    }
    return 'tokens'
  } finally {
    for (const own of cache) own.dispose()
    model.train(training)
  }
}
