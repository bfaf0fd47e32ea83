// The program: commands, help, and how errors end. 0 done, 1 failed with one clear line, 2 wrong usage.
import '../autograd/methods.js' // ops in terms of other ops call them
import { Command, CommanderError } from 'commander'
import { Interrupted } from '../train/run-state.js'
import { VERSION } from '../version.js'
import { commands, groups } from './commands.js'
import type { CommonOptions, Environment } from './shared/command.js'
import { addCommonOptions, applyCommonOptions, quoted } from './shared/options.js'
import { createOutput } from './shared/output.js'
import { printable } from './shared/plain.js'
import { createProgress } from './shared/progress.js'

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
    const [name, group] = spec.name.split(' ').reverse()
    const parent = group === undefined ? program : groupOf(program, group)
    const command = addCommonOptions(spec.options(parent.command(name).description(spec.describe)))
    command.action(async () => {
      const options = command.opts<CommonOptions>()
      applyCommonOptions(options)
      const { json, quiet } = options
      const { stdout, stderr, now, lines, signals, epoch } = environment
      await spec.run({ ...options, args: command.args } as never, {
        output: createOutput({ json, quiet, stdout, stderr }),
        progress: createProgress(stderr, { quiet, now }),
        ...{ now, lines, signals, epoch },
      })
    })
  }
  return program
}

/** 'queue' of 'queue add': a command that only has commands. */
function groupOf(program: Command, name: string): Command {
  const there = program.commands.find((command) => command.name() === name)
  return there ?? program.command(name).description(groups[name])
}

/** The command line that goes on with this one. */
function againOf(argv: readonly string[]): string {
  return ['tinystill', ...argv.filter((word) => word !== '--resume').map(quoted), '--resume'].join(' ')
}

/** What V8 says by a RangeError: a fault of the program, not of who called it. */
const ENGINE = /^(Maximum call stack|Invalid (string|array|typed array) length|Array buffer allocation)/

/** A RangeError is about an argument: an option that another one rules out, or a value that it cannot have. */
const isUsage = (error: unknown): boolean => error instanceof RangeError && !ENGINE.test(error.message)

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
    return isUsage(error) ? 2 : 1
  }
}
