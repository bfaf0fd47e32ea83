import { openClassifier } from 'tinystill/bytes'

const NAMES = ['config.json', 'model.safetensors', 'tokenizer.json']
let opened = null

async function open() {
  const answers = await Promise.all(NAMES.map((name) => fetch(`/model/${name}`)))
  const bytes = await Promise.all(answers.map(async (answer) => new Uint8Array(await answer.arrayBuffer())))
  return openClassifier(Object.fromEntries(NAMES.map((name, i) => [name, bytes[i]])))
}

/** The classifier of public/model, fetched by the first who asks. */
export function openInTab() {
  opened ??= open()
  return opened
}
