// A page a command, from the parser's own help.
import { cell, dist } from './read.mjs'

export async function helpOf(name) {
  const { main } = await dist('cli/main.js')
  const said = []
  const sink = { write: (text) => said.push(text), columns: 100, isTTY: false }
  await main([...(name === null ? [] : [name]), '--help'], {
    stdout: sink,
    stderr: sink,
    now: () => 0,
    lines: async function* () {},
  })
  return said.join('').trim()
}

function index(commands) {
  const rows = commands.map(({ name, describe }) => `| [${name}](/commands/${name}) | ${cell(describe)} |`)
  return `# Commands

Each page is what \`tinystill COMMAND --help\` prints. In prose: [the command line](/documents/command-line).

| command | |
|---|---|
${rows.join('\n')}
`
}

export async function commandPages() {
  const { commands } = await dist('cli/commands.js')
  const pages = commands.map(async ({ name, describe }) => ({
    name,
    title: `tinystill ${name}`,
    markdown: `# tinystill ${name}\n\n${describe}\n\n\`\`\`text\n${await helpOf(name)}\n\`\`\`\n\nMore of it in [the command line](/documents/command-line).`,
  }))
  return [{ name: 'index', title: 'Commands', markdown: index(commands) }, ...(await Promise.all(pages))]
}
