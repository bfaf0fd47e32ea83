// Arguments of the benches: --help, and one line with a remedy for what is wrong.
import { parseArgs } from 'node:util'

export function fail(line, code = 1) {
  console.error(line)
  process.exit(code)
}

/**
 * Values by name. `options`: name -> { value, help, choices, fallback }; without `value` (its name in the help) an
 * option is a switch. A value named N is a whole number of at least 1.
 */
export function readArgs(command, about, options) {
  const wrong = (line) => fail(`${command}: ${line}. See ${command} -- --help`, 2)
  const types = Object.entries({ ...options, help: {} }).map(([name, { value }]) => [
    name,
    { type: value === undefined ? 'boolean' : 'string' },
  ])
  let given
  try {
    given = parseArgs({ options: Object.fromEntries(types) }).values
  } catch (error) {
    wrong(error.message.split('. ')[0])
  }
  if (given.help) {
    console.log(`${command} [-- OPTIONS]: ${about}\n`)
    for (const [name, { value, help, choices }] of Object.entries(options)) {
      const spelling = `--${name}${value === undefined ? '' : ` ${choices?.join('|') ?? value}`}`
      console.log(`  ${spelling.padEnd(26)} ${help}`)
    }
    process.exit(0)
  }
  const values = {}
  for (const [name, { value, choices, fallback }] of Object.entries(options)) {
    const text = given[name]
    if (text !== undefined && choices && !choices.includes(text))
      wrong(`--${name} ${text} is none of ${choices.join(', ')}`)
    if (text !== undefined && value === 'N' && !/^[1-9]\d{0,8}$/.test(text))
      wrong(`--${name} ${text} is not a whole number of at least 1`)
    values[name] = text === undefined ? fallback : value === 'N' ? Number(text) : text
  }
  return values
}
