// The program: commands, help, and how errors end. 0 done, 1 failed with one clear line, 2 wrong usage.
import '../autograd/methods.js' // ops in terms of other ops call them
import { Command, CommanderError } from 'commander'
import { Interrupted } from '../distill/run-state.js'
import { VERSION } from '../version.js'
import { augmentCommand } from './augment.js'
import { demoCommand } from './demo.js'
import { distillCommand } from './distill.js'
import { doctorCommand } from './doctor.js'
import { evalCommand } from './eval.js'
import { inspectCommand } from './inspect.js'
import { labelCommand } from './label.js'
import { mnistCommand } from './mnist.js'
import {
  addCommonOptions,
  applyCommonOptions,
  type CommonOptions,
  type Context,
  type Environment,
} from './options.js'
import { createOutput } from './output.js'
import { printable } from './plain.js'
import { predictCommand } from './predict.js'
import { createProgress } from './progress.js'
import { pullCommand } from './pull.js'
import { trainCommand } from './train.js'

export interface CommandSpec<O> {
  name: string
  describe: string
  /** Adds options of its own. */
  options: (command: Command) => Command
  /** What is no option comes as `args`. */
  run: (options: O & CommonOptions, context: Context) => Promise<void>
}

/** A command whose own options are known only to itself. */
type AnyCommand = CommandSpec<never>

const commands: AnyCommand[] = [
  demoCommand,
  trainCommand,
  labelCommand,
  augmentCommand,
  distillCommand,
  evalCommand,
  predictCommand,
  mnistCommand,
  inspectCommand,
  pullCommand,
  doctorCommand,
]

function build(environment: Environment): Command {
  const program = new Command('tinystill')
    .description('Train small text models, and distil large ones into them.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(--help shows all options)')
    .configureOutput({
      writeOut: (text) => environment.stdout.write(text),
      writeErr: (text) => environment.stderr.write(text),
    })
  for (const spec of commands) {
    const command = addCommonOptions(spec.options(program.command(spec.name).description(spec.describe)))
    command.action(async () => {
      const options = command.opts<CommonOptions>()
      applyCommonOptions(options)
      const { json, quiet } = options
      const { stdout, stderr, now, lines, signals } = environment
      await spec.run({ ...options, args: command.args } as never, {
        output: createOutput({ json, quiet, stdout, stderr }),
        progress: createProgress(stderr, { quiet, now }),
        ...{ now, lines, signals },
      })
    })
  }
  return program
}

const plainWord = /^[\w./:,@+=-]+$/
const quoted = (word: string) => (plainWord.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** The command line that goes on with this one. */
function againOf(argv: readonly string[]): string {
  return ['tinystill', ...argv.filter((word) => word !== '--resume').map(quoted), '--resume'].join(' ')
}

/** Runs one command line (without node and script). Resolves to the exit code. */
export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  try {
    await build(environment).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const debug = argv.includes('--debug') && error instanceof Error
    if (error instanceof Interrupted) {
      environment.stderr.write(`tinystill: ${printable(`${error.message}. Go on with: ${againOf(argv)}`)}\n`)
      return 128 + (error.signal === 'SIGINT' ? 2 : 15)
    }
    const line = error instanceof Error ? error.message : String(error)
    environment.stderr.write(debug ? `${error.stack}\n` : `tinystill: ${printable(line)}\n`)
    return 1
  }
}
