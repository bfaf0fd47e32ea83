// Which queue a command speaks to: by the environment, since a password on a command line is everybody's to read.
import { type Command, InvalidArgumentError } from 'commander'
import { TinystillError } from '../../errors.js'
import type { Context } from '../shared/command.js'
import { loadEngine, type QueuePlace, type QueueStore } from './engine.js'

export const URL_NAME = 'TINYSTILL_QUEUE_URL'
export const QUEUE = 'tinystill'
const USUAL = 'redis://127.0.0.1:6379'

export interface PlaceOptions {
  queue: string
}

export function queueName(text: string): string {
  if (!/^[\w-]{1,64}$/.test(text))
    throw new InvalidArgumentError('It must be letters, digits, - and _, at most 64.')
  return text
}

export const addPlaceOptions = (command: Command): Command =>
  command.option(
    '--queue <name>',
    `of several on one Redis; its address is ${URL_NAME} of the environment, by default ${USUAL}`,
    queueName,
    QUEUE,
  )

/** Of commands that add jobs. */
export interface AddingOptions extends PlaceOptions {
  root: string
  unsafeStore: boolean
}

/** named: 'the three'. */
export const addAddingOptions = (command: Command, named: string): Command =>
  command
    .option('--root <dir>', `${named} lie below it, and workers find them by their places below theirs`, '.')
    .option('--unsafe-store', 'goes on where Redis keeps jobs in memory alone, or may drop them', false)

/** Throws TinystillError for a store that would lose jobs, unless that was allowed. */
export async function checkSafe(
  store: QueueStore,
  { unsafeStore }: AddingOptions,
  { output }: Pick<Context, 'output'>,
): Promise<void> {
  const unsafe = await store.unsafe()
  if (unsafe.length > 0 && !unsafeStore)
    throw new TinystillError(
      `the store may lose jobs: ${unsafe.join('; ')}`,
      'Or go on with --unsafe-store: what is done stays, and adding again adds what a lost store forgot',
    )
  for (const line of unsafe) output.info(`note: the store may lose jobs: ${line}`)
}

/** Throws TinystillError, which does not show the address: it may hold a password. */
export function placeOf({ queue }: PlaceOptions): QueuePlace {
  const url = process.env[URL_NAME] || USUAL
  const wrong = (why: string): never => {
    throw new TinystillError(`${URL_NAME} ${why}`, 'It is of the form redis://USER:PASSWORD@HOST:PORT')
  }
  if (!URL.canParse(url)) wrong('is no URL')
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') wrong(`must begin with redis:// or rediss://`)
  if (hostname === '') wrong('names no host')
  return { url, queue }
}

/** Runs `work` on an open queue, and closes it. Errors of the store get the command's line. */
export async function withStore<T>(
  options: PlaceOptions,
  work: (store: QueueStore) => Promise<T>,
): Promise<T> {
  const place = placeOf(options)
  const engine = await loadEngine()
  const store = await engine.open(place)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}
