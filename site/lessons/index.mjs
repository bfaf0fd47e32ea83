// The lessons in their order; a page a file of this folder.
const names = [
  ['numbers-that-remember', 'Numbers that remember'],
  ['chain-rule', 'The chain rule as a walk'],
  ['shapes', 'Shapes and broadcasting'],
  ['own-op', 'An op of your own'],
  ['two-moons', 'Two moons'],
  ['optimizers', 'Optimizers'],
  ['temperature', 'Softmax with a temperature'],
  ['attention', 'Attention by hand'],
  ['dark-knowledge', 'Dark knowledge'],
  ['what-losses-see', 'What each loss sees'],
  ['born-again', 'Born again, and annealing'],
  ['smaller-numbers', 'Fewer bits, fewer weights'],
]

export const lessons = names.map(([name, title], i) => ({
  text: `${i + 1}. ${title}`,
  link: `/lessons/${name}`,
}))
