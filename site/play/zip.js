// Files as one .zip, unpacked inside: weights do not shrink. APPNOTE.TXT of PKWARE, sections 4.3.7, 4.3.12 and 4.3.16.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})

function crc32(bytes) {
  let c = 0xffffffff
  for (const byte of bytes) c = table[(c ^ byte) & 255] ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

/** Fields of 2 and 4 bytes, the lower first. */
function record(...fields) {
  const out = new DataView(new ArrayBuffer(fields.reduce((n, [, size]) => n + size, 0)))
  let at = 0
  for (const [value, size] of fields) {
    if (size === 2) out.setUint16(at, value, true)
    else out.setUint32(at, value, true)
    at += size
  }
  return new Uint8Array(out.buffer)
}

/** 1980-01-01: the same files give the same bytes. */
const DATE = 33
const UTF8 = 0x800

/** files: { name: bytes }. -> Blob */
export function zipOf(files) {
  const parts = []
  const directory = []
  let at = 0
  for (const [name, bytes] of Object.entries(files)) {
    const called = new TextEncoder().encode(name)
    const common = [
      [UTF8, 2],
      [0, 2],
      [0, 2],
      [DATE, 2],
      [crc32(bytes), 4],
      [bytes.length, 4],
      [bytes.length, 4],
      [called.length, 2],
      [0, 2],
    ]
    const head = record([0x04034b50, 4], [20, 2], ...common)
    directory.push(
      record([0x02014b50, 4], [20, 2], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]),
      called,
    )
    parts.push(head, called, bytes)
    at += head.length + called.length + bytes.length
  }
  const size = directory.reduce((n, part) => n + part.length, 0)
  const count = Object.keys(files).length
  const end = record([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [at, 4], [0, 2])
  return new Blob([...parts, ...directory, end], { type: 'application/zip' })
}
