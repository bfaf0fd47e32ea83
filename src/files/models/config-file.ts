// config.json of a model's folder.
import { configOf, type ModelConfig } from '../../formats/config.js'
import { readFields } from '../json-file.js'

/** Throws CheckpointError: what configOf() throws, and where the file is missing or no JSON. */
export const readConfig = (file: string): ModelConfig => configOf(readFields(file))
