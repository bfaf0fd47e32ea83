// NumPy's format for one array: the text of a header, then the numbers. numpy.lib.format, version 1.0.

/** float32 [rows, size], in C's order, as numpy.load() reads it. Throws RangeError where the numbers do not fill rows. */
export function* npyPieces(values: Float32Array, size: number): Generator<Uint8Array> {
  const rows = values.length / size
  if (!Number.isInteger(rows)) throw new RangeError(`npy: ${values.length} numbers are no rows of ${size}`)
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${size}), }`
  // Magic, version and length are 10 bytes; numbers begin at a multiple of 64, after a line feed.
  const padded = `${header}${' '.repeat((64 - ((10 + header.length + 1) % 64)) % 64)}\n`
  const head = new Uint8Array(10 + padded.length)
  head.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8])
  head.set(new TextEncoder().encode(padded), 10)
  yield head
  const PIECE = 2 ** 18
  for (let at = 0; at < values.length; at += PIECE) {
    const part = values.subarray(at, at + PIECE)
    const bytes = new Uint8Array(4 * part.length)
    const view = new DataView(bytes.buffer)
    for (const [i, x] of part.entries()) view.setFloat32(4 * i, x, true)
    yield bytes
  }
}
