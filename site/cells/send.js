// From a cell to its page. Both in a browser's worker and in a thread of the check, which gives itself a postMessage.

/** Messages of one run that are passed on: a page must not drown in what an endless loop says. */
const MOST = 2000
let sent = 0

export function send(message) {
  if (sent++ < MOST) globalThis.postMessage(message)
  else if (sent === MOST + 1) globalThis.postMessage({ kind: 'text', text: '(more is not shown)' })
}
