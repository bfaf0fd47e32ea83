// GET /classify?text=... answers { text, label, probabilities }.
import { readdirSync } from 'node:fs'
import { openClassifier } from 'tinystill/bytes'

const folder = `${import.meta.dir}/model/`
const files: Record<string, Uint8Array> = {}
for (const name of readdirSync(folder)) files[name] = await Bun.file(folder + name).bytes()
const classifier = openClassifier(files)

const server = Bun.serve({
  port: Number(process.env.PORT ?? 8080),
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    const text = searchParams.get('text')
    if (pathname !== '/classify' || !text)
      return Response.json({ error: 'ask /classify?text=...' }, { status: 404 })
    const [answer] = await classifier.predict([text])
    return Response.json({ text, ...answer })
  },
})
console.log(`http://localhost:${server.port}/classify?text=...`)
