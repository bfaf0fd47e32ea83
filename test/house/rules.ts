// The rules of the house as functions of its files: each gives what breaks it, a line each.
import { dirname } from 'node:path'
import type { SourceFile } from './read.js'

type File = Pick<SourceFile, 'path' | 'imports' | 'lines'>

/** From the ground up. A file imports from its own floor and those below. */
export const floors = [
  'tensor',
  'autograd',
  'nn',
  'formats',
  'text',
  'files',
  'train',
  'report',
  'distill',
  'cli',
] as const

/** Files at the top of src stand beside the floors: errors and the version below all, the entry above those it shows. */
export const floorOf = (path: string): number => floors.findIndex((floor) => path.startsWith(`${floor}/`))

/** 'nn/a.ts imports distill/b.ts'. */
export function upward(files: readonly Pick<File, 'path' | 'imports'>[]): string[] {
  return files.flatMap(({ path, imports }) =>
    floorOf(path) < 0
      ? []
      : imports.filter((to) => floorOf(to) > floorOf(path)).map((to) => `${path} imports ${to}`),
  )
}

/** Groups of files of which each reaches all others: Tarjan's strongly connected components of more than one file. */
export function circles(files: readonly Pick<File, 'path' | 'imports'>[]): string[] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]))
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[] = []
  const visit = (path: string): void => {
    order.set(path, order.size)
    low.set(path, order.get(path) as number)
    stack.push(path)
    for (const to of importsOf.get(path) ?? []) {
      if (!importsOf.has(to)) continue
      if (!order.has(to)) visit(to)
      if (stack.includes(to)) low.set(path, Math.min(low.get(path) as number, low.get(to) as number))
    }
    if (low.get(path) !== order.get(path)) return
    const circle = stack.splice(stack.indexOf(path))
    if (circle.length > 1 || importsOf.get(path)?.includes(path)) found.push(circle.sort().join(', '))
  }
  for (const { path } of files) if (!order.has(path)) visit(path)
  return found
}

/** Folders with more than `most` files side by side. */
export function crowded(files: readonly Pick<File, 'path'>[], most: number): string[] {
  const counts = new Map<string, number>()
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  return Array.from(counts)
    .filter(([, n]) => n > most)
    .map(([folder, n]) => `${folder} has ${n} files`)
}

/** Files with more than `most` lines. */
export function long(files: readonly Pick<File, 'path' | 'lines'>[], most: number): string[] {
  return files.filter(({ lines }) => lines > most).map(({ path, lines }) => `${path} has ${lines} lines`)
}
