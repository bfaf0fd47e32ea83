// What tinystill asks of a job queue, done by BullMQ on Redis. It imports nothing of tinystill but types.
import type { QueueEngine } from '../../../dist/cli/queue/engine.js'
import { open } from './store.js'
import { work } from './worker.js'

const engine: QueueEngine = { api: 2, open, work }
export const api = engine.api
export { open, work }
