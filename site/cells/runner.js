// Runs inside a cell's worker, before the cell: where its console and its last value go. The same bits in every browser.
import { backendReport, setDeterministic, Tensor } from '../../dist/index.js'
import { send } from './send.js'
import { shown } from './shown.js'

setDeterministic(true)

const said = (...values) => send({ kind: 'text', text: values.map((v) => shown(v, Tensor)).join(' ') })
const names = ['log', 'info', 'warn', 'error', 'debug']
Object.assign(globalThis.console, Object.fromEntries(names.map((name) => [name, said])))

const textOf = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : `threw ${shown(error, Tensor)}`

/** The last statement of a cell, where it is an expression. */
export function value(it) {
  if (it !== undefined) said(it)
}

export const failed = (error) => globalThis.postMessage({ kind: 'error', text: textOf(error) })

export function done() {
  const { backend, threads } = backendReport()
  globalThis.postMessage({ kind: 'done', threads: backend === 'wasm' ? threads : 1 })
}

globalThis.addEventListener?.('unhandledrejection', (event) => {
  event.preventDefault()
  failed(event.reason)
})
