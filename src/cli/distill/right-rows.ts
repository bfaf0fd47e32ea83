// Which rows of the judged set a model answers right, a bit each: small enough for run.json and checkpoints.

export interface RightRows {
  rows: number
  /** Base64 of bytes; row r is bit r % 8 of byte r / 8. */
  bits: string
}

/** right: 1 or 0 for each row. */
export function packRows(right: Uint8Array): RightRows {
  const bytes = new Uint8Array(Math.ceil(right.length / 8))
  right.forEach((bit, r) => {
    bytes[r >> 3] |= bit << (r & 7)
  })
  return { rows: right.length, bits: Buffer.from(bytes).toString('base64') }
}

/** null for what packRows did not write: a checkpoint can be of an older version, or broken. */
export function unpackRows(packed: RightRows | undefined): Uint8Array | null {
  if (!packed || !Number.isSafeInteger(packed.rows) || packed.rows < 1 || typeof packed.bits !== 'string')
    return null
  const bytes = Buffer.from(packed.bits, 'base64')
  if (bytes.length !== Math.ceil(packed.rows / 8)) return null
  return Uint8Array.from({ length: packed.rows }, (_, r) => (bytes[r >> 3] >> (r & 7)) & 1)
}
