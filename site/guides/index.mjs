// The guides in their order; a page a file of this folder.
const names = [
  ['install', 'Install'],
  ['hosts', 'Bundlers and hosts'],
  ['memory', 'Memory'],
  ['own', 'Your own data, model, loss, op, recipe'],
  ['config', 'Config files'],
  ['deploy', 'Deploying'],
  ['choosing', 'Choosing T, alpha, epochs'],
  ['worse-than-alone', 'My student is worse than alone'],
]

export const guides = [
  ...names.map(([name, text]) => ({ text, link: `/guides/${name}` })),
  { text: 'Errors by their text', link: '/errors/' },
]
