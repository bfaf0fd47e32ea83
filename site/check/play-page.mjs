// What the playground's checks in Chromium do to a page.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export const LIMIT = 900_000

export function must(condition, complaint) {
  if (!condition) throw new Error(complaint)
}

const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')

export const button = (page, name) => page.getByRole('button', { name, exact: true })

/** The processes of the browser: { id, type, cpuTime } each. */
export async function processesOf(browser) {
  const cdp = await browser.newBrowserCDPSession()
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo')
  await cdp.detach()
  return processInfo
}

export async function ready(page) {
  await button(page, 'Distil').waitFor({ timeout: LIMIT })
  await page.locator('.play-formula code').first().waitFor({ timeout: LIMIT })
}

export async function done(page) {
  const [result, problem] = [page.locator('#play-result'), page.locator('.play-problem')]
  await result.or(problem).first().waitFor({ timeout: LIMIT })
  if ((await result.count()) === 0) throw new Error(`the page says ${await problem.textContent()}`)
}

/** Files of a .zip that packs nothing, by their directory. */
function unzipped(zip) {
  const files = {}
  let at = zip.readUInt32LE(zip.length - 6)
  for (let left = zip.readUInt16LE(zip.length - 12); left > 0; left--) {
    const [size, length, head] = [
      zip.readUInt32LE(at + 24),
      zip.readUInt16LE(at + 28),
      zip.readUInt32LE(at + 42),
    ]
    const start = head + 30 + zip.readUInt16LE(head + 26) + zip.readUInt16LE(head + 28)
    files[zip.toString('utf8', at + 46, at + 46 + length)] = zip.subarray(start, start + size)
    at += 46 + length
  }
  return files
}

/** Takes the student of a run that is over; throws where its files are not these. */
export async function mustGive(page, wanted) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, 'Download the student (.zip)').click(),
  ])
  const files = unzipped(readFileSync(await download.path()))
  for (const [name, bytes] of Object.entries(wanted))
    must(sha(files[name] ?? new Uint8Array()) === sha(bytes), `${name} differs from Node's`)
  return `${Object.keys(files).length} files, weights ${sha(files['model.safetensors']).slice(0, 12)}`
}
