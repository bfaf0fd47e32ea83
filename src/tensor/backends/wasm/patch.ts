// The builds of the kernels as text: the first in hexadecimal, which gzip packs far better than base64, and each other
// one as a patch of it. scripts/wasm-patch.mjs makes the patches.

/** A build: its bytes, or what makes them of the build named `of`. Hexadecimal. */
export type Packed<Name> = { bytes: string } | { of: Name; patch: string }

/** The bytes of a build. */
export function unpack<Name extends string>(
  builds: Record<Name, Packed<Name>>,
  name: Name,
): Uint8Array<ArrayBuffer> {
  const build = builds[name]
  return 'bytes' in build ? fromHex(build.bytes) : applyPatch(unpack(builds, build.of), fromHex(build.patch))
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digit = (at: number) => {
    const code = text.charCodeAt(at)
    return code < 58 ? code - 48 : code - 87
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = 16 * digit(2 * i) + digit(2 * i + 1)
  return bytes
}

/** A patch is steps of (start, length, count, bytes): `length` bytes of `base` from `start`, then `count` of its own. LEB128. */
export function applyPatch(base: Uint8Array, patch: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 0
  const number = () => {
    let n = 0
    for (let shift = 0; ; shift += 7) {
      const byte = patch[at++]
      n |= (byte & 127) << shift
      if (byte < 128) return n
    }
  }
  const out: number[] = []
  while (at < patch.length) {
    const [start, length, count] = [number(), number(), number()]
    for (let i = start; i < start + length; i++) out.push(base[i])
    for (const end = at + count; at < end; at++) out.push(patch[at])
  }
  return Uint8Array.from(out)
}
