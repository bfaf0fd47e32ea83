import { backendReport } from 'tinystill'
import { openClassifier } from 'tinystill/bytes'

const at = (id) => document.querySelector(`#${id}`)
const files = {}
for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
  files[name] = new Uint8Array(await (await fetch(`model/${name}`)).arrayBuffer())
const classifier = openClassifier(files)

at('form').querySelector('button').disabled = false
at('form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const [{ label }] = await classifier.predict([at('text').value])
  at('out').textContent = label
  const { threads, why } = backendReport()
  at('threads').textContent = `isolated: ${crossOriginIsolated}; ${threads} threads; ${why}`
})
