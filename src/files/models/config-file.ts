// config.json of a model's folder.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { configOf, type ModelConfig } from '../../formats/config.js'
import type { Fields } from '../../formats/fields.js'
import { readFields } from '../json-file.js'
import { noModel } from './other-folders.js'

/** Throws CheckpointError: what configOf() throws, and where the file is missing or no JSON. */
export const readConfig = (file: string): ModelConfig => configOf(readFields(file))

/** The fields of a folder's config.json, of whatever model. Throws CheckpointError that says what the folder holds instead. */
export function readModelFields(folder: string): Fields {
  const file = join(folder, 'config.json')
  if (!existsSync(file)) throw noModel(folder, 'config.json')
  return readFields(file)
}

/** Throws what readModelFields() and configOf() throw. */
export const readModelConfig = (folder: string): ModelConfig => configOf(readModelFields(folder))
