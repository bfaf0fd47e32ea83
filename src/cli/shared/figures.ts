// Figures of models for people: by set, side by side.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { FileContent } from '../../files/disk.js'
import { QUANTIZED } from '../../formats/quantized.js'
import type { Figures } from '../../train/reports.js'
import { count, percent, renderTable } from './table.js'

/** Shares that people read as percentages. */
const SHARES = [
  ...['accuracy', 'f1', 'ece', 'macroF1', 'microF1', 'subsetAccuracy', 'precision', 'recall', 'entityF1'],
  'exactMatch',
]
/** Figures that count something. */
const COUNTS = ['rows', 'words', 'entities', 'questions']

/** Whether people read it in percent. */
export const isShare = (name: string): boolean => SHARES.includes(name)

export const shownFigure = (name: string, value: number) =>
  isShare(name)
    ? percent(value, 2)
    : COUNTS.includes(name)
      ? count(value)
      : Number.isFinite(value)
        ? value.toPrecision(4)
        : '-'

/** One row a set, one column a figure. */
export function figureTable(figures: Readonly<Record<string, Figures>>): string {
  const names = [...new Set(Object.values(figures).flatMap((f) => Object.keys(f)))]
  return renderTable(
    [{ title: 'on' }, ...names.map((title) => ({ title, align: 'right' as const }))],
    Object.entries(figures).map(([set, f]) => [
      set,
      ...names.map((n) => (n in f ? shownFigure(n, f[n]) : '')),
    ]),
  )
}

/** Of the weights in a folder's files, before they are written. */
export function bytesOfWeights(files: readonly FileContent[]): number {
  let n = 0
  for (const [name, data] of files)
    if (name.endsWith('.safetensors')) for (const piece of data as Iterable<Uint8Array>) n += piece.length
  return n
}

/** Of the weights in a model's folder, float or quantized, in one file or in shards. */
export function bytesOfFolder(folder: string): number {
  const sizeOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size
  const shards = () => readdirSync(folder).filter((name) => /^model-\d+-of-\d+\.safetensors$/.test(name))
  return (
    sizeOf(QUANTIZED) ??
    sizeOf('model.safetensors') ??
    shards().reduce((sum, name) => sum + (sizeOf(name) ?? 0), 0)
  )
}
