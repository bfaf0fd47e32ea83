// What is left of a model learns from the whole one: tinystill distill, with the smaller folder as the student.
import { Command } from 'commander'
import { distillCommand } from '../distill/distill.js'
import type { CommonOptions, Context } from '../shared/command.js'
import { addCommonOptions, quoted } from '../shared/options.js'
import type { ShrinkOptions } from './options.js'

/** The words of a command line that lets `student` learn. */
export function wordsOf(options: ShrinkOptions, student: string, out: string): string[] {
  const { model, train, dev, test, epochs, lr, maxLength, labels, seed } = options
  const { textColumn, textPairColumn, labelColumn, delimiter } = options
  const flag = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)]
  return [
    ...['--recipe', 'hinton', '--teacher', model, '--student', student],
    ...flag('train', train ?? 'FILE'),
    ...[...flag('dev', dev), ...flag('test', test), ...flag('labels', labels?.join(','))],
    ...[...flag('text-column', textColumn), ...flag('text-pair-column', textPairColumn)],
    ...[...flag('label-column', labelColumn), ...flag('delimiter', delimiter)],
    ...[...flag('epochs', epochs), ...flag('lr', lr), ...flag('max-length', maxLength)],
    ...['--out', out],
    ...(seed === 1 ? [] : flag('seed', seed)),
  ]
}

/** The same as one would type it. */
export const retrainLine = (options: ShrinkOptions, student: string, out: string): string =>
  ['tinystill distill', ...wordsOf(options, student, out).map(quoted)].join(' ')

/** Throws what tinystill distill throws. */
export async function retrain(options: ShrinkOptions, student: string, context: Context): Promise<void> {
  const { resume, json, quiet, debug } = options
  const words = [...wordsOf(options, student, options.out), ...(resume ? ['--resume'] : [])]
  const command = addCommonOptions(distillCommand.options(new Command('distill')))
  const parsed = command.parse(words, { from: 'user' }).opts<CommonOptions>()
  await distillCommand.run({ ...parsed, json, quiet, debug, args: [] } as never, context)
}
