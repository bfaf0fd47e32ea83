// GET /classify?text=... answers { text, label, probabilities }.
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { openClassifier } from 'tinystill/bytes'

const folder = new URL('model/', import.meta.url)
const files = Object.fromEntries(
  readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder))]),
)
const classifier = openClassifier(files)

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const text = searchParams.get('text')
  const say = (status, body) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  if (pathname !== '/classify' || !text) return say(404, { error: 'ask /classify?text=...' })
  const [answer] = await classifier.predict([text])
  say(200, { text, ...answer })
})
server.listen(Number(process.env.PORT ?? 8080), () =>
  console.log(`http://localhost:${server.address().port}/classify?text=...`),
)
