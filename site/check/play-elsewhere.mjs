// The playground in a browser that is not Chromium: a run of seconds from the click to the student, whose files are Node's to the byte, with threads and
// without headers; bars of a text, and the tape of a step.
import { createHash } from 'node:crypto'
import { hashOf } from '../play/settings.js'
import { zipOf } from '../play/zip.js'
import { here, ISOLATED, small } from './play-run.mjs'
import { serve } from './server.mjs'

function must(condition, complaint) {
  if (!condition) throw new Error(complaint)
}

/** Runs in the page, as a reader would: -> what it shows. `again`: goes on with what is kept there. */
async function playThrough(limit, again) {
  const until = async (what, name) => {
    for (let t = 0; t < limit; t += 100) {
      const found = what()
      if (found) return found
      await new Promise((r) => setTimeout(r, 100))
    }
    throw new Error(`it waits for ${name}: ${document.querySelector('.play')?.textContent.slice(0, 400)}`)
  }
  const complaints = []
  addEventListener('error', (event) => complaints.push(event.message))
  addEventListener('securitypolicyviolation', (event) =>
    complaints.push(`policy: ${event.violatedDirective}`),
  )
  const at = (selector) => document.querySelector(selector)
  const button = (name) =>
    [...document.querySelectorAll('.play button')].find(
      (it) => it.textContent.trim() === name && !it.disabled,
    )
  const distil = await until(
    () => at('.play-formula code') && button(again ? 'Go on with it' : 'Distil'),
    'the button',
  )
  const note = at('.play-note')?.textContent ?? ''
  const began = performance.now()
  distil.click()
  let lost = false
  await until(() => {
    lost ||= [...document.querySelectorAll('.play-note')].some((it) => it.textContent.includes('loses this'))
    return at('#play-result') ?? at('.play-problem')
  }, 'the result')
  const keeps = navigator.storage?.getDirectory !== undefined
  const seconds = (performance.now() - began) / 1000
  const problem = at('.play-problem')?.textContent ?? ''
  if (problem !== '') throw new Error(problem)
  const text = at('input[name="ask"]')
  text.value = 'a small furry animal that barks'
  text.dispatchEvent(new Event('input'))
  await until(() => document.querySelectorAll('.play-row .picture').length > 3, 'the bars')
  const rows = await until(() => document.querySelectorAll('.play-tape svg rect.node').length, 'the tape')
  const make = URL.createObjectURL
  const kept = new Promise((resolve) => {
    URL.createObjectURL = (blob) => {
      resolve(blob)
      return make.call(URL, blob)
    }
  })
  button('Download the student (.zip)').click()
  const hash = await crypto.subtle.digest('SHA-256', await (await kept).arrayBuffer())
  const zip = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return JSON.stringify({
    note,
    zip,
    rows,
    seconds,
    complaints,
    keeps,
    lost,
    state: at('.play-state').textContent,
  })
}

/** `open(url)` shows a page, `call(f, ...numbers)` runs a function in it; `check(name, f)` tells. */
export async function playsElsewhere({ dist, open, call, check, limit }) {
  const { student } = await here()
  const zip = zipOf(student.files)
  const sha = createHash('sha256')
    .update(new Uint8Array(await zip.arrayBuffer()))
    .digest('hex')
  for (const [name, headers, threads] of [
    ['the playground', ISOLATED, /\d+ threads/],
    ['the playground without headers', {}, /one thread/],
  ])
    await check(name, async () => {
      const site = await serve(dist, headers)
      try {
        await open(`${site.origin}/play.html${hashOf(small)}`)
        const told = JSON.parse(await call(playThrough, limit, false))
        must(told.complaints.length === 0, told.complaints.join('; '))
        must(told.zip === sha, `the student's .zip is ${told.zip}, Node's ${sha}`)
        must(threads.test(told.state), `it says ${told.state}`)
        must(told.note.includes('on one thread') === (headers !== ISOLATED), `it notes ${told.note}`)
        must(told.lost !== told.keeps, `it ${told.keeps ? 'keeps' : 'does not keep'} and says otherwise`)
        if (told.keeps) {
          // The tab is another one now, and what ran in the last is kept.
          await open(`${site.origin}/lessons/`)
          await open(`${site.origin}/play.html`)
          const kept = JSON.parse(await call(playThrough, limit, true))
          must(kept.complaints.length === 0, kept.complaints.join('; '))
          must(kept.zip === sha, `the student that was kept is ${kept.zip}, Node's ${sha}`)
        }
        const kept = told.keeps
          ? 'kept for the next tab'
          : 'not kept, as the page says: no private files here'
        return `Node's student, ${kept}, ${told.seconds.toFixed(1)} s, ${told.rows} rows of tape, ${told.state.split('·').at(-1).trim()}`
      } finally {
        site.close()
      }
    })
}
