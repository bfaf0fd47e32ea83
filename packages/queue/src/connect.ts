// A connection to Redis whose failures are one line each, without the URL and its password.
import { Redis } from 'ioredis'
import type { QueuePlace } from '../../../dist/cli/queue/engine.js'

/** Host and port alone. */
function shown(url: string): string {
  const { hostname, port } = new URL(url)
  return `${hostname}:${port || 6379}`
}

/** Why Redis did not let us in, and what to do. */
function explained(url: string, error: Error): Error {
  const { message } = error
  const line = /NOAUTH/.test(message)
    ? 'asks for a password: set TINYSTILL_QUEUE_URL to redis://:PASSWORD@HOST:PORT'
    : /WRONGPASS|invalid password|invalid username/i.test(message)
      ? 'does not take this user or password: check TINYSTILL_QUEUE_URL'
      : /NOPERM/.test(message)
        ? `does not let this user do that: ${message}`
        : /LOADING/.test(message)
          ? 'is still reading its file: try again in a moment'
          : `cannot be reached: ${message || error.name}`
  return new Error(`Redis at ${shown(url)} ${line}`)
}

/** An open connection that does not open itself again: commands on a lost one throw. Throws Error with one line. */
export async function connect({ url }: QueuePlace): Promise<Redis> {
  const client = new Redis(url, {
    ...{ lazyConnect: true, connectTimeout: 5000, maxRetriesPerRequest: null },
    retryStrategy: () => null,
  })
  // What happened is told here; what connect() throws afterwards is that the connection is closed.
  let first: Error | null = null
  client.on('error', (error: Error) => {
    first ??= error
  })
  try {
    await client.connect()
    // A wrong password is told to the error listener alone, and the connection stays.
    await client.ping()
    return client
  } catch (error) {
    client.disconnect()
    throw explained(url, first ?? (error as Error))
  }
}
