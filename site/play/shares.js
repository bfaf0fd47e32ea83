// Logits as bars: the likeliest classes at a temperature, and the rest together.

const BARS = 6

/** softmax(z / T). */
export function softmax(logits, T) {
  const top = Math.max(...logits)
  const e = Array.from(logits, (z) => Math.exp((z - top) / T))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((x) => x / sum)
}

/** The frame of a picture. */
export function shares(logits, classes, T) {
  const p = softmax(logits, T)
  const order = Array.from(p.keys()).sort((a, b) => logits[b] - logits[a])
  const shown = order.slice(0, order.length > BARS + 1 ? BARS : order.length)
  const rest = order.slice(shown.length)
  const bars = shown.map((c) => ({ name: String(classes[c] ?? c), value: p[c] }))
  if (rest.length > 0)
    bars.push({ name: `${rest.length} others`, value: rest.reduce((sum, c) => sum + p[c], 0) })
  return { kind: 'bars', label: '', bars, max: 1 }
}
