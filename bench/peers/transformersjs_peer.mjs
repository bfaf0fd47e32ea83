// transformers.js's side of bench:peers, from the local folder.
import { basename, dirname } from 'node:path'
import { AutoModelForSequenceClassification, env, Tensor } from '@huggingface/transformers'
import { tokenIds } from '../shapes.mjs'
import { cannot, measure, work } from './measure.mjs'

const { what, threads, batch, tokens, folder } = work
if (what !== 'forward') cannot('transformers.js only predicts')
env.allowRemoteModels = false
env.localModelPath = dirname(folder)
const model = await AutoModelForSequenceClassification.from_pretrained(basename(folder), {
  ...{ dtype: 'fp32', device: 'cpu', local_files_only: true },
  session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
})
const ids = BigInt64Array.from(tokenIds(batch, tokens), BigInt)
const input = {
  input_ids: new Tensor('int64', ids, [batch, tokens]),
  attention_mask: new Tensor('int64', new BigInt64Array(batch * tokens).fill(1n), [batch, tokens]),
}
const { logits } = await model(input)
await measure(() => model(input), { logits: Array.from(logits.data) })
