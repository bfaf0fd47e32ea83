// A run of the playground that takes seconds, for its checks: its settings, and the same run in this Node.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runDistillation } from '../../dist/distill/worker/index.js'
import { setDeterministic } from '../../dist/index.js'
import { textSetIn } from '../../dist/text/index.js'
import { jobOf, usedOf } from '../play/job.js'
import { usual } from '../play/settings.js'

const SAMPLE = fileURLToPath(new URL('../public/wordnet/', import.meta.url))

/** What a host sends where threads are to be had. */
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** Of these settings the page and Node must make the same student. */
export const small = {
  ...{ ...usual(), rows: 200, transfer: 500, width: 16, teacherWidth: 32, teacherEpochs: 1, epochs: 1 },
  strict: true,
}

function sample() {
  const labelled = (name) => {
    const { texts, labels, labelNames } = textSetIn(readFileSync(SAMPLE + name), name)
    return { texts, labels: Array.from(labels, (label) => labelNames[label]), pairs: null }
  }
  const { texts } = textSetIn(readFileSync(`${SAMPLE}transfer.txt`), 'transfer.txt', { labels: 'none' })
  return { labelled: labelled('labelled.tsv'), dev: labelled('dev.tsv'), transfer: texts }
}

/** The job of the small run, as the page makes it. */
export const smallJob = (settings = small) => jobOf(settings, usedOf(settings, sample()), null)

/** What the small run gives here, or one of other settings. */
export async function here(settings = small) {
  setDeterministic(true)
  try {
    return await runDistillation(smallJob(settings)).result
  } finally {
    setDeterministic(false)
  }
}
