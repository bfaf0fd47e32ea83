// Attention of student and teacher side by side, by text, layer and head: drawn by the page's script.
import { cut, escapeText } from '../svg.js'
import { dataIsland } from './island.js'

/** The attention of one model. */
export interface AttentionSide {
  name: string
  /** Of each layer. */
  heads: readonly number[]
  /** Of each text its words, T of them, and bytes [T, T] of each head of each layer in base64, 255 for an attention of 1. */
  texts: { words: string[]; maps: string }[]
}

/** What attentionView() shows. */
export interface AttentionView {
  texts: string[]
  student: AttentionSide
  teacher: AttentionSide
  /** The teacher's layer that is shown first beside each of the student's, from 0. */
  pairs: number[]
}

const TEXT = 60

function choice(label: string, name: string, options: readonly string[], chosen = 0): string {
  const each = options.map(
    (option, i) => `<option value="${i}"${i === chosen ? ' selected' : ''}>${escapeText(option)}</option>`,
  )
  return `<label>${escapeText(label)} <select name="${name}">${each.join('')}</select></label>`
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => String(i + 1))

/** Attention of two models beside each other, to be chosen by text, layer and head. PAGE_SCRIPT, once in the page, draws it. */
export function attentionView(view: AttentionView): string {
  const { texts, student, teacher, pairs } = view
  const sides = { student, teacher }
  const last = student.heads.length - 1
  const first = { student: last, teacher: pairs[last] }
  const choices = (['student', 'teacher'] as const).map((who) => {
    const { name, heads } = sides[who]
    const layer = choice(`${name}: layer`, `${who}-layer`, numbers(heads.length), first[who])
    const head = choice('head', `${who}-head`, ['mean of all', ...numbers(Math.max(...heads))])
    return `<div class="controls">${layer}${head}</div>`
  })
  const map = ({ name }: AttentionSide) =>
    `<figure><figcaption>${escapeText(name)}<span></span></figcaption><svg class="chart map" role="img"></svg></figure>`
  return [
    '<div class="attention">',
    `<div class="controls">${choice(
      'text',
      'text',
      texts.map((text) => cut(text, TEXT)),
    )}</div>`,
    ...choices,
    `<div class="maps">${map(student)}${map(teacher)}</div>`,
    dataIsland({ student, teacher, pairs }),
    '</div>',
  ].join('\n')
}
