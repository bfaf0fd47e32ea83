// A model that nobody has trained yet, if there is room for it.
import { footprintOfConfig, requireRoom } from '../footprint.js'
import { makeModel } from './bert.js'
import type { TransformerConfig } from './config.js'
import type { Family, Kind } from './family.js'
import type { Pretrained } from './pretrained.js'
import { fillSinusoids } from './sinusoids.js'

/**
 * Weights come from the random scope, positions from sines where the config says so. `who` is what the refusal calls it: throws
 * BackendError, before it makes anything, for a model that is too large to be trained.
 */
export function newModel(who: string, family: Family, kind: Kind, config: TransformerConfig): Pretrained {
  requireRoom(who, footprintOfConfig(family, kind, config, 0), 0, 0)
  const model = makeModel(family, kind, config)
  const places = model.stateDict().get(`${family.prefix}.${family.names.positions}.weight`)
  if (config.extra.get('sinusoidal_pos_embds') === true && places !== undefined) fillSinusoids(places)
  return model
}
