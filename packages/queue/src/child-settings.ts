import type { WorkOptions } from '../../../dist/cli/queue/engine.js'

/** In which of its environment a child finds what to run: JSON. */
export const CHILD = 'TINYSTILL_QUEUE_CHILD'

export type ChildStart = Pick<WorkOptions, 'module' | 'settings'>
