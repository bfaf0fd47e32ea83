// tinystill generate: what a model writes behind a prompt, word by word as it comes.
import type { Command } from 'commander'
import { CheckpointError, DataError } from '../../errors.js'
import { writerOf } from '../../text/pieces/written.js'
import { type Ended, generate } from '../../train/language/generate.js'
import type { CommandSpec, Context } from '../shared/command.js'
import { numberIn, whole } from '../shared/options.js'
import { count } from '../shared/table.js'
import { type LanguageFolder, openLanguageModel } from './open.js'

interface GenerateCommandOptions {
  model: string
  prompt?: string[]
  maxNewTokens: number
  temperature?: number
  topK?: number
  topP?: number
  stop?: string[]
  seed: number
}

/** Why a text is no longer, for --json. */
type Reason = Ended | 'text'

interface Written {
  prompt: string
  /** What was written behind it. */
  text: string
  tokens: number
  ended: Reason
  /** Words a second, the first one's time left out: it reads the prompt. null of fewer than two. */
  tokensPerSecond: number | null
}

/** What may still become one of the ends: the last characters of the text that one of them begins with. */
function held(text: string, ends: readonly string[]): number {
  const most = Math.max(0, ...ends.map((end) => Math.min(end.length - 1, text.length)))
  for (let n = most; n > 0; n--) if (ends.some((end) => end.startsWith(text.slice(-n)))) return n
  return 0
}

/** Writes behind one prompt; `say` hears the text as far as it is sure. */
async function write(
  { model, tokenizer, ends }: LanguageFolder,
  prompt: string,
  { stop = [], ...options }: GenerateCommandOptions,
  now: () => number,
  say: (piece: string) => void,
): Promise<Written> {
  const { maxNewTokens, temperature, topK, topP, seed } = options
  const writer = writerOf(tokenizer)
  if (writer === null)
    throw new CheckpointError(options.model, 'its tokenizer does not tell what a text was', 'Take a GPT-2')
  const given = Array.from(tokenizer.pieces(prompt))
  const ids = given.length > 0 ? given : ends.slice(0, 1)
  const { maxLength } = model.config
  if (ids.length > maxLength)
    throw new RangeError(
      `--prompt: ${count(ids.length)} tokens, the model takes ${count(maxLength)} with what it writes`,
    )
  const words = generate(model, ids, { maxNewTokens, temperature, topK, topP, seed, stop: ends })
  let [text, told, tokens] = ['', 0, 0]
  let ended: Reason | null = null
  let [first, last] = [0, 0]
  const tell = (to: number) => {
    if (to > told) say(text.slice(told, to))
    told = Math.max(told, to)
  }
  while (ended === null) {
    const { done, value } = await words.next()
    if (done) {
      text += writer.end()
      ended = value
      break
    }
    last = now()
    if (tokens++ === 0) first = last
    text += writer.push(value)
    const at = stop.map((end) => text.indexOf(end)).filter((place) => place >= 0)
    if (at.length > 0) {
      text = text.slice(0, Math.min(...at))
      ended = 'text'
      await words.return('stop')
    } else tell(text.length - held(text, stop))
  }
  tell(text.length)
  const seconds = (last - first) / 1000
  return { prompt, text, tokens, ended, tokensPerSecond: tokens > 1 ? (tokens - 1) / seconds : null }
}

async function run(options: GenerateCommandOptions, { output, lines, now }: Context): Promise<void> {
  if (options.stop?.includes('')) throw new RangeError('--stop: an empty text ends nothing')
  const folder = openLanguageModel(options.model, output)
  const list = output.jsonList('texts')
  let prompts = 0
  for await (const prompt of options.prompt ?? lines()) {
    if (prompts++ > 0) output.print('')
    output.write(prompt)
    const written = await write(folder, prompt, options, now, (piece) => output.write(piece))
    output.print('')
    list.add(written)
    const { tokens, tokensPerSecond, ended } = written
    const speed = tokensPerSecond === null ? '' : `, ${tokensPerSecond.toFixed(1)} a second`
    const full =
      ended === 'context' ? `; the model takes no more than ${count(folder.model.config.maxLength)}` : ''
    output.info(`${count(tokens)} tokens${speed}${full}`)
    await output.drained()
  }
  if (prompts === 0) throw new DataError('standard input', 'no prompt', "Pass --prompt '', or one a line")
  list.end()
}

export const generateCommand: CommandSpec<GenerateCommandOptions> = {
  name: 'generate',
  describe: 'Write on from a prompt, word by word, by a GPT-2',
  options: (command: Command) =>
    command
      .requiredOption('--model <dir>', 'folder of the model')
      .option('--prompt <text...>', 'what it writes on from; without it, one a line on standard input')
      .option('--max-new-tokens <n>', 'tokens to write at most', whole(1), 50)
      .option(
        '--temperature <x>',
        'draws words, from 0 (the likeliest) to 1 (as the model says) and beyond; default: always the likeliest',
        numberIn(1e-6, 1e6),
      )
      .option('--top-k <n>', 'draws from the n likeliest words', whole(1))
      .option(
        '--top-p <x>',
        'draws from the likeliest words that together reach this probability',
        numberIn(1e-9, 1),
      )
      .option('--stop <text...>', 'what ends a text, and is not shown'),
  run,
}
