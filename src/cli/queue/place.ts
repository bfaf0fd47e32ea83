// Which queue a command speaks to: by the environment, since a password on a command line is everybody's to read.
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { TinystillError } from '../../errors.js'
import { loadEngine, type QueuePlace, type QueueStore } from './engine.js'

export const URL_NAME = 'TINYSTILL_QUEUE_URL'
const USUAL = 'redis://127.0.0.1:6379'

export interface PlaceOptions {
  queue: string
}

function queueName(text: string): string {
  if (!/^[\w-]{1,64}$/.test(text))
    throw new InvalidArgumentError('It must be letters, digits, - and _, at most 64.')
  return text
}

export const addPlaceOptions = (command: Command): Command =>
  command.option(
    '--queue <name>',
    `of several on one Redis; its address is ${URL_NAME} of the environment, by default ${USUAL}`,
    queueName,
    'tinystill',
  )

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
