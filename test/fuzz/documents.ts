// JSON of the right shape with something wrong in it. A document is a tree of texts, so that names can come twice, numbers
// be spelt in any way, and what is no JSON stand anywhere.
import type { Dice } from '../io/mutants.js'
import { hostileTexts, pick } from './bytes.js'

type Node = string | Node[] | Members
/** Names as JSON, in order. */
interface Members {
  members: [name: string, value: Node][]
}

/** The tree of a value. */
export function treeOf(value: unknown): Node {
  if (Array.isArray(value)) return value.map(treeOf)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return { members: Object.entries(value).map(([name, v]) => [JSON.stringify(name), treeOf(v)]) }
}

function textOf(node: Node, space: string): string {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) return `[${node.map((n) => textOf(n, space)).join(`,${space}`)}]`
  return `{${node.members.map(([name, n]) => `${name}:${space}${textOf(n, space)}`).join(`,${space}`)}}`
}

const hostile = hostileTexts.map((text) => JSON.stringify(text))
const numbers = [
  ...[
    '-1',
    '-0',
    '0',
    '1',
    '2',
    '0.5',
    '1.0',
    '1e0',
    '1e308',
    '1e400',
    '-1e400',
    '1e-400',
    '2147483648',
    '4294967296',
  ],
  ...[
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '18446744073709551616',
    '65537',
    '16777217',
  ],
]
const noNumbers = [
  'NaN',
  'Infinity',
  '-Infinity',
  '01',
  '+1',
  '.5',
  '1.',
  '0x10',
  '1_000',
  'undefined',
  "'a'",
]
const others = ['null', 'true', 'false', '[]', '{}', '[[]]', '[null]', '{"__proto__":1}', '""']
const halves = ['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x"', '"\n"', '"\ud83d\ude00"']

function deep(roll: Dice): string {
  const n = pick(roll, [8, 62, 63, 64, 65, 66, 500, 20_000])
  return roll(2) === 0 ? '['.repeat(n) + ']'.repeat(n) : `${'{"a":'.repeat(n)}1${'}'.repeat(n)}`
}

function leaf(roll: Dice): string {
  const way = roll(40)
  if (way === 0) return deep(roll)
  if (way === 1) return `[${'0,'.repeat(roll(3000))}0]`
  if (way === 2) return `{${Array.from({ length: roll(300) }, (_, i) => `"${i}":"${i}"`)}}`
  if (way === 3)
    return JSON.stringify({ toString: 1, valueOf: null, length: 1e9, ...{ constructor: { prototype: {} } } })
  return pick(roll, pick(roll, [hostile, numbers, numbers, noNumbers, others, others, halves]))
}

/** Where a node is kept, so that it can be replaced. */
interface Place {
  get(): Node
  set(node: Node): void
}

function placesIn(node: Node, out: Place[]): void {
  if (typeof node === 'string') return
  const slots: [number, (i: number) => Node, (i: number, n: Node) => void] = Array.isArray(node)
    ? [
        node.length,
        (i) => node[i],
        (i, n) => {
          node[i] = n
        },
      ]
    : [
        node.members.length,
        (i) => node.members[i][1],
        (i, n) => {
          node.members[i][1] = n
        },
      ]
  const [count, get, set] = slots
  for (let i = 0; i < count; i++) {
    out.push({ get: () => get(i), set: (n) => set(i, n) })
    placesIn(get(i), out)
  }
}

function objectsIn(node: Node, out: Members[]): Members[] {
  if (typeof node === 'string') return out
  if (!Array.isArray(node)) out.push(node)
  for (const n of Array.isArray(node) ? node : node.members.map(([, n]) => n)) objectsIn(n, out)
  return out
}

const copy = (node: Node): Node =>
  typeof node === 'string'
    ? node
    : Array.isArray(node)
      ? node.map(copy)
      : { members: node.members.map(([name, n]) => [name, copy(n)]) }

/** The name with its first letter as an escape: the same name to whoever parses it. */
const respelt = (name: string) =>
  name.length > 2 && name[1] !== '\\'
    ? `"\\u${name.charCodeAt(1).toString(16).padStart(4, '0')}${name.slice(2)}`
    : name

type Change = (tree: Node, roll: Dice) => void

const atPlace =
  (change: (node: Node, roll: Dice, places: Place[]) => Node): Change =>
  (tree, roll) => {
    const places: Place[] = []
    placesIn(tree, places)
    if (places.length === 0) return
    const place = pick(roll, places)
    place.set(change(place.get(), roll, places))
  }

const inObject =
  (change: (members: [string, Node][], roll: Dice, at: number) => void): Change =>
  (tree, roll) => {
    const { members } = pick(roll, objectsIn(tree, []))
    change(members, roll, roll(members.length + 1))
  }

const changes: readonly Change[] = [
  () => {},
  atPlace((_, roll) => leaf(roll)),
  atPlace((_, roll) => leaf(roll)),
  atPlace((_, roll) => pick(roll, numbers)),
  atPlace((node) => [node]),
  atPlace((node) => ({ members: [['"0"', node]] })),
  atPlace((node) => JSON.stringify(textOf(node, ''))),
  atPlace((node) => (typeof node === 'string' && node[0] === '"' ? node.slice(1, -1) || '0' : node)),
  atPlace((node, roll) =>
    typeof node === 'string' && /^-?\d+$/.test(node)
      ? `${Number(node) + pick(roll, [-1, 1, 2, -2, 7])}`
      : node,
  ),
  atPlace((node, roll) => {
    if (typeof node !== 'string' || node[0] !== '"') return node
    const text = pick(roll, hostileTexts)
    const old = node.slice(1, -1)
    return pick(roll, [
      () => `"${JSON.stringify(text).slice(1, -1)}${old}"`,
      () => `"${old}${JSON.stringify(text).slice(1, -1)}"`,
      () => node.toUpperCase(),
      () => respelt(node),
    ])()
  }),
  atPlace((_, roll, places) => copy(pick(roll, places).get())),
  atPlace((node) => (Array.isArray(node) ? node.slice(1) : node)),
  atPlace((node, roll) =>
    Array.isArray(node) && node.length > 0 ? [...node, copy(pick(roll, node))] : node,
  ),
  inObject((members, _, at) => void members.splice(at, 1)),
  inObject((members, roll, at) => void members.splice(at, 0, [pick(roll, hostile), leaf(roll)])),
  inObject((members, roll, at) => {
    if (members.length === 0) return
    const [name, value] = pick(roll, members)
    members.splice(at, 0, [roll(3) === 0 ? respelt(name) : name, roll(2) === 0 ? copy(value) : leaf(roll)])
  }),
  inObject((members, roll) => {
    if (members.length > 0) pick(roll, members)[0] = pick(roll, hostile)
  }),
  inObject((members, roll) => {
    if (members.length === 0) return
    const member = pick(roll, members)
    member[0] = respelt(member[0])
  }),
  inObject((members) => void members.reverse()),
]

/** The document's text after one change, or up to three. */
export function spoilt(tree: Node, roll: Dice): string {
  const own = copy(tree)
  for (let n = 1 + Math.max(0, roll(5) - 2); n > 0; n--) pick(roll, changes)(own, roll)
  return textOf(own, roll(8) === 0 ? pick(roll, [' ', '\n', '\t', '\r\n  ']) : '')
}
