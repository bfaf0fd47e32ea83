// The names of what a training is to give, where something besides the data says them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../../errors.js'
import { readConfig } from '../../files/models/config-file.js'
import { headOf } from '../../formats/head.js'
import type { ProblemType } from '../../nn/models/config.js'
import type { TrainOptions } from './options.js'

/**
 * Those of --labels; or where a folder's head does the same task already, its own in its own order, so that it goes on as
 * it was. undefined: the data's. Of one class a text the data alone says them.
 */
export function knownNames(
  { labels, model }: TrainOptions,
  type: ProblemType,
): readonly string[] | undefined {
  if (labels !== undefined || type === 'single_label_classification') return labels
  const file = join(model, 'config.json')
  if (!existsSync(file)) return undefined
  const { kind, config } = readConfig(file)
  if (kind !== 'sequence-classification') return undefined
  const head = headOf(config, (reason) => {
    throw new DataError(file, reason)
  })
  return head.problemType === type ? config.labels : undefined
}
