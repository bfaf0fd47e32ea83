// tinystill predict of a model of words: entities with their places in the text, or each word's tag.
import { DataError } from '../../errors.js'
import { loadTagger } from '../../files/tagging/tagger.js'
import { shown } from '../../formats/json.js'
import {
  entitiesIn,
  type PlacedWord,
  placedIn,
  type TaggedWord,
  tagWords,
} from '../../train/tagging/predict.js'
import type { Context } from '../shared/command.js'
import { type DataFileOptions, dataOptions } from '../shared/options.js'
import { inputReader } from '../shared/predict-input.js'
import { count, percent } from '../shared/table.js'
import { tellTokens } from '../shared/tokens.js'

export interface PredictTagsOptions extends DataFileOptions {
  model: string
  text?: string[]
  maxLength?: number
  jsonl: boolean
}

/** A line of input. */
interface Given {
  text: string
  words: PlacedWord[]
  /** Whether it came as a list of words. */
  split: boolean
}

/** The words of a line such as {"tokens": ["a", "b"]}; null for any other. Throws DataError for a list of anything else. */
function tokensOf(line: string, where: string): Given | null {
  if (!line.trimStart().startsWith('{')) return null
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null
  }
  const { tokens } = value as { tokens?: unknown }
  if (tokens === undefined) return null
  if (!Array.isArray(tokens) || !tokens.every((word) => typeof word === 'string' && word.trim() !== ''))
    throw new DataError(where, `${shown('tokens')} must be a list of words`)
  const words: PlacedWord[] = []
  let start = 0
  for (const word of tokens as string[]) {
    words.push({ word, start, end: start + word.length })
    start += word.length + 1
  }
  return { text: tokens.join(' '), words, split: true }
}

const oneLine = (text: string) => text.replace(/\r\n|[\n\r\u2028\u2029]/g, ' ')

/** groups: the lines as they come. Each has an answer, an empty one an empty answer. */
export async function predictTags(
  options: PredictTagsOptions,
  groups: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  { output }: Pick<Context, 'output'>,
): Promise<void> {
  const { model: folder, jsonl, maxLength: asked } = options
  const loaded = loadTagger(folder)
  const { model, tokenizer, classes } = loaded
  for (const note of loaded.notes) output.info(`note: ${note}`)
  const maxLength = Math.min(asked ?? loaded.usualLength, loaded.maxLength)
  const name = options.text ? '--text' : 'standard input'
  const read = inputReader(name, false, dataOptions(options, output))
  const list = output.jsonList('predictions')
  let [line, untagged] = [0, 0]
  const given = (own: string): Given => {
    const split = tokensOf(own, `${name}:${++line}`)
    if (split !== null) return split
    const { text } = read(own)
    return { text: text ?? '', words: placedIn(text ?? '', tokenizer), split: false }
  }
  for await (const texts of groups) {
    const rows = texts.map(given)
    if (line === rows.length)
      tellTokens(
        output,
        { folder, model, tokenizer },
        'the first texts',
        rows.map(({ text }) => text),
      )
    const tagged = tagWords(
      { model, tokenizer, classes, maxLength, docStride: options.docStride },
      rows.map(({ words }) => words),
    )
    rows.forEach(({ text, split }, row) => {
      const words = tagged[row]
      if (words.some(({ score }) => score === null)) untagged++
      const item = split
        ? { tokens: words.map(({ word }) => word), tags: words.map(({ tag }) => tag) }
        : { text, ...answerOf(text, words, classes) }
      if (jsonl) output.jsonLine(item)
      else {
        list.add(item)
        output.print(`${shownAnswer(text, words, classes)}  |  ${oneLine(text)}`)
      }
    })
    await output.drained()
  }
  if (line === 0) throw new DataError('standard input', 'no text to tag', 'Pass --text, or one text a line')
  if (untagged > 0)
    output.info(
      `${count(untagged)} of ${count(line)} ${line === 1 ? 'row has' : 'rows have'} words without a token, which have no tag of their own`,
    )
  if (!jsonl) list.end()
}

function answerOf(text: string, words: readonly TaggedWord[], classes: readonly string[]) {
  const entities = entitiesIn(text, words, classes)
  return entities === null ? { words } : { entities }
}

function shownAnswer(text: string, words: readonly TaggedWord[], classes: readonly string[]): string {
  const entities = entitiesIn(text, words, classes)
  if (entities === null) return words.map(({ word, tag }) => `${word}/${tag ?? '-'}`).join(' ')
  if (entities.length === 0) return 'no entities'
  return entities.map(({ type, text: own, score }) => `${type} ${oneLine(own)} ${percent(score)}`).join(', ')
}
