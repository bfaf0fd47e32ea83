// The engine as the site serves it, from dist: plain ES modules that share their chunks, so that every entry is one engine.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { writeSample } from '../play/sample.mjs'

const here = new URL('.', import.meta.url)
const path = (name) => fileURLToPath(new URL(name, here))
export const ENGINE = path('../public/engine')

/** What a cell may import, by the name that it is imported by. */
export const entries = {
  tinystill: path('../../dist/index.js'),
  'tinystill/distill': path('../../dist/distill/index.js'),
  'tinystill/text': path('../../dist/text/index.js'),
  'tinystill/safetensors': path('../../dist/formats/safetensors/index.js'),
  'tinystill/report': path('../../dist/report/index.js'),
  'tinystill/worker': path('../../dist/distill/worker/index.js'),
  'tinystill/models': path('../../dist/files/models/browser.js'),
  site: path('pictures.js'),
  'site/records': path('records.js'),
}

/** A module of the served folder: 'tinystill/text' is tinystill-text.js. */
export const fileOf = (name) => `${name.replace('/', '-')}.js`

/** Errors and layers are called by their classes' names. */
const CLASSES = { class: true, function: false }
const GOLDEN = 'virtual:golden'

/** PyTorch's inputs of every loss, in base 64: pages have no files. */
const golden = {
  name: 'golden',
  resolveId: (id) => (id === GOLDEN ? GOLDEN : undefined),
  load(id) {
    if (id !== GOLDEN) return undefined
    const bytes = readFileSync(path('../../test/golden/losses/golden.safetensors'))
    return `export const golden = ${JSON.stringify(bytes.toString('base64'))}`
  },
}

export async function bundle() {
  const input = {
    ...{ ...entries, runner: path('../cells/runner.js') },
    ...{ 'play-worker': path('../play/worker.js'), 'play-helper': path('../play/helper.js') },
  }
  await build({
    configFile: false,
    root: path('..'),
    publicDir: false,
    logLevel: 'warn',
    plugins: [golden],
    build: {
      outDir: ENGINE,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: false,
      rollupOptions: {
        input: Object.fromEntries(
          Object.entries(input).map(([name, file]) => [name.replace('/', '-'), file]),
        ),
        external: [/^node:/],
        preserveEntrySignatures: 'strict',
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: 'chunk-[hash].js',
          minify: { compress: { keepNames: CLASSES }, mangle: { keepNames: CLASSES } },
        },
      },
    },
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle()
  writeSample()
}
