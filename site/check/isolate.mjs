// The service worker of the guide on hosts, as it stands there, on a server that sends no headers.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from './server.mjs'

const fence = (name) => {
  const guide = readFileSync(new URL('../guides/hosts.md', import.meta.url), 'utf8')
  const [, code] =
    new RegExp(`^\`\`\`js ${name.replace('.', '\\.')}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(guide) ?? []
  if (code === undefined) throw new Error(`the guide has no ${name}`)
  return code
}

/** Whether a page is isolated at first, and after the worker has come. Throws where it is not in the end. */
export async function checkIsolation(browser) {
  const folder = mkdtempSync(join(tmpdir(), 'tinystill-isolate-'))
  writeFileSync(join(folder, 'isolate.js'), fence('isolate.js'))
  writeFileSync(join(folder, 'page.js'), fence('page.js'))
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title>page</title><script type="module" src="page.js"></script>',
  )
  const site = await serve(folder)
  const page = await browser.newPage()
  try {
    await page.goto(`${site.origin}/`)
    await page.waitForFunction(() => globalThis.crossOriginIsolated, undefined, { timeout: 60_000 })
    const shared = await page.evaluate(
      () =>
        new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer,
    )
    if (!shared) throw new Error('isolated, and no memory can be shared')
    return 'a page without headers is isolated by the service worker of the guide'
  } finally {
    await page.close()
    site.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
