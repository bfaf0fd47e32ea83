// Answers classify?text=... for all pages of its scope, without a network: the model is kept when it is installed.
import { openClassifier } from 'tinystill/bytes'

const MODEL = ['config.json', 'model.safetensors', 'tokenizer.json']
const KEPT = 'model-1'
let opened = null

addEventListener('install', (event) => {
  skipWaiting()
  const keep = async () => (await caches.open(KEPT)).addAll(MODEL.map((name) => `model/${name}`))
  event.waitUntil(keep())
})
addEventListener('activate', (event) => event.waitUntil(clients.claim()))

async function open() {
  const kept = await caches.open(KEPT)
  const files = {}
  for (const name of MODEL)
    files[name] = new Uint8Array(await (await kept.match(`model/${name}`)).arrayBuffer())
  return openClassifier(files)
}

async function answer(text) {
  // A service worker is ended when it has nothing to do, and starts anew.
  opened ??= open()
  const [said] = await (await opened).predict([text])
  return Response.json({ text, ...said })
}

addEventListener('fetch', (event) => {
  const { pathname, searchParams } = new URL(event.request.url)
  if (pathname.endsWith('/classify')) event.respondWith(answer(searchParams.get('text') ?? ''))
})
