// GET /classify?text=... on the server, from the same files that pages get.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openClassifier } from 'tinystill/bytes'

const folder = join(process.cwd(), 'public/model')
let classifier = null

export async function GET(request) {
  const text = new URL(request.url).searchParams.get('text')
  if (!text) return Response.json({ error: 'ask /classify?text=...' }, { status: 404 })
  classifier ??= openClassifier(
    Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))])),
  )
  const [answer] = await classifier.predict([text])
  return Response.json({ text, ...answer })
}
