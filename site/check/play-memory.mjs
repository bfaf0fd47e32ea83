// A thousand steps more in the playground hold no more memory, the workers and their arrays included. The first few hundred do:
// heaps of workers grow until they are first tidied up.
import { readFileSync } from 'node:fs'
import { hashOf } from '../play/settings.js'
import { button, done, LIMIT, must, processesOf, ready } from './play-page.mjs'
import { small } from './play-run.mjs'

/** 132 batches an epoch: 2,640 steps of the distilled student. */
const long = { ...small, transfer: 4000, epochs: 20, strict: false }
const [EARLY, LATE] = [40, 95]
const MOST_GROWTH = 1.1

/** Bytes that lie in memory of the browser's processes that show pages. */
async function resident(browser) {
  const pages = (await processesOf(browser)).filter(({ type }) => type === 'renderer')
  const inKb = ({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0)
  return pages.reduce((sum, page) => sum + inKb(page), 0) * 1024
}

/** Resolves when the distilled student has so many of its steps behind it. */
const distilledTo = (page, percent) =>
  page.waitForFunction(
    (least) =>
      Number(/distilled (\d+)%/.exec(document.querySelector('.play-state').textContent)?.[1]) >= least,
    percent,
    { timeout: LIMIT },
  )

export async function holdsNoMore({ open, browser }) {
  const { page, close } = await open(`/play.html${hashOf(long)}`, { isolated: true })
  await ready(page)
  await button(page, 'Distil').click()
  await distilledTo(page, EARLY)
  const early = await resident(browser)
  await distilledTo(page, LATE)
  const late = await resident(browser)
  await done(page)
  await close()
  const told = `${(early / 1e6).toFixed(0)} MB after ${EARLY}% of 2,640 steps, ${(late / 1e6).toFixed(0)} after ${LATE}%`
  must(late < early * MOST_GROWTH, `it grows: ${told}`)
  return told
}
