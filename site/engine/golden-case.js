// The golden file of the losses (test/golden/losses.py) by cases: what goes in, and what PyTorch gave.

/** `name` of the file's tensors: its inputs, PyTorch's loss, and the names of the inputs that it has gradients of. */
export function caseOf(tensors, name) {
  const part = (what) => {
    const prefix = `${name}.${what}.`
    return [...tensors].flatMap(([key, t]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), t]] : []))
  }
  return {
    inputs: Object.fromEntries(part('in')),
    value: tensors.get(`${name}.loss`).item(),
    learned: part('grad').map(([key]) => key),
  }
}
