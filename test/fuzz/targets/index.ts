// All readers of files that strangers may have written. Names only, no logic.
import type { Target } from '../target.js'
import { manifestTarget, shardTarget } from './caches.js'
import { configTarget, indexTarget, ownConfigTarget } from './models.js'
import { onnxTarget } from './onnx.js'
import { settingsTargets } from './settings.js'
import { taggedTargets } from './tagged.js'
import { textTargets } from './texts.js'
import {
  addedTokensTarget,
  specialTokensTarget,
  tokenizerConfigTarget,
  tokenizerTarget,
  vocabularyTarget,
} from './tokenizers.js'
import { weightsTarget } from './weights.js'

export const targets: readonly Target[] = [
  ...[weightsTarget, onnxTarget, configTarget, ownConfigTarget, indexTarget],
  ...[tokenizerTarget, vocabularyTarget, tokenizerConfigTarget, manifestTarget, shardTarget],
  ...[addedTokensTarget, specialTokensTarget],
  ...[...textTargets, ...taggedTargets],
  ...settingsTargets,
]
