// GET /classify?text=... answers { text, label, probabilities }.
import { openClassifier } from 'tinystill/bytes'

const folder = new URL('model/', import.meta.url)
const files: Record<string, Uint8Array> = {}
for await (const { name } of Deno.readDir(folder)) files[name] = await Deno.readFile(new URL(name, folder))
const classifier = openClassifier(files)

Deno.serve(
  {
    port: Number(Deno.env.get('PORT') ?? 8080),
    onListen: ({ port }) => console.log(`http://localhost:${port}/classify?text=...`),
  },
  async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const text = searchParams.get('text')
    if (pathname !== '/classify' || !text)
      return Response.json({ error: 'ask /classify?text=...' }, { status: 404 })
    const [answer] = await classifier.predict([text])
    return Response.json({ text, ...answer })
  },
)
