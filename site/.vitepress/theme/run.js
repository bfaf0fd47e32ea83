// One run of a cell: a worker made of its module. Nothing else can be stopped in the middle of an endless loop.
import { withBase } from 'vitepress'

const names = new Set([
  ...['tinystill', 'tinystill/distill', 'tinystill/text', 'tinystill/safetensors', 'tinystill/models'],
  ...['tinystill/report', 'tinystill/worker'],
  ...['site', 'site/records', 'runner'],
])

const address = (name) =>
  names.has(name) ? new URL(withBase(`/engine/${name.replace('/', '-')}.js`), location.href).href : null

/** Why a worker did not come up. */
async function why(source) {
  const [{ strip }, { syntaxError }] = await Promise.all([
    import('../../cells/compile.js'),
    import('../../cells/syntax.js'),
  ])
  return syntaxError(strip(source)) ?? 'the cell could not be started'
}

/** Starts `source`; `on` gets its messages, the last is 'done' or 'stopped'. -> { stop }, which ends it at once. */
export async function run(source, check, on) {
  let module
  try {
    const { compile } = await import('../../cells/compile.js')
    module = compile(source, { check, resolve: address })
  } catch (error) {
    on({ kind: 'error', text: `${error.name}: ${error.message}` })
    on({ kind: 'done' })
    return { stop() {} }
  }
  const url = URL.createObjectURL(new Blob([module], { type: 'text/javascript' }))
  const worker = new Worker(url, { type: 'module' })
  let over = false
  const end = (kind, rest = {}) => {
    if (over) return
    over = true
    worker.terminate()
    URL.revokeObjectURL(url)
    on({ kind, ...rest })
  }
  worker.onmessage = ({ data }) => {
    if (over) return
    if (data.kind === 'done') end('done', data)
    else on(data)
  }
  worker.onerror = async (event) => {
    event.preventDefault?.()
    const text = event.message || (await why(source))
    if (!over) on({ kind: 'error', text })
    end('done')
  }
  return { stop: () => end('stopped') }
}
