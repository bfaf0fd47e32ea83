// A model as text, as PyTorch prints one: each layer on its line with its settings.

export interface Printed {
  extraRepr(): string
  namedChildren(): Iterable<[string, Printed]>
}

/** Those that are being printed: a module that holds its own parent is not printed in itself again. */
const open = new Set<Printed>()

const indent = (text: string) => text.replaceAll('\n', '\n  ')

/** Children of equal text and consecutive numbers on one line: (layers.0-11): 12 x EncoderBlock(...). */
function lines(children: readonly [string, string][], numbered: boolean): string[] {
  const runs: { prefix: string; from: number; to: number; name: string; text: string }[] = []
  for (const [name, text] of children) {
    const [, prefix = '', number] = /^(.*\.)?(\d+)$/.exec(name) ?? []
    const at = number !== undefined && (numbered || prefix !== '') ? Number(number) : Number.NaN
    const last = runs.at(-1)
    if (last?.text === text && last.prefix === prefix && last.to + 1 === at) last.to = at
    else runs.push({ prefix, from: at, to: at, name, text })
  }
  return runs.map(({ prefix, from, to, name, text }) =>
    to > from ? `(${prefix}${from}-${to}): ${to - from + 1} x ${indent(text)}` : `(${name}): ${indent(text)}`,
  )
}

/** numbered: the module's own children are a list, in which equal neighbours go on one line. */
export function describe(module: Printed, numbered = false): string {
  const name = module.constructor.name
  if (open.has(module)) return `${name}(...)`
  open.add(module)
  try {
    const settings = module.extraRepr()
    const children = Array.from(module.namedChildren(), ([at, child]): [string, string] => [at, `${child}`])
    if (children.length === 0) return `${name}(${settings})`
    const rows = [...(settings === '' ? [] : [settings]), ...lines(children, numbered)]
    return `${name}(\n${rows.map((row) => `  ${row}\n`).join('')})`
  } finally {
    open.delete(module)
  }
}
