import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformerStyleToClass } from '@shikijs/transformers'
import { defineConfig } from 'vitepress'
import { guides } from '../guides/index.mjs'
import { lessons } from '../lessons/index.mjs'
import { apiPages } from '../pages/api.mjs'
import { commandPages } from '../pages/commands.mjs'
import { decisionPages, documentPages } from '../pages/documents.mjs'
import { errorPages } from '../pages/errors.mjs'
import { lossPages } from '../pages/losses.mjs'
import { opPages } from '../pages/ops.mjs'
import { recipePages } from '../pages/recipes.mjs'
import { ours } from './markdown.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
mkdirSync(here('../public'), { recursive: true })
for (const name of ['architecture.svg', 'peers.svg'])
  copyFileSync(here(`../../docs/${name}`), here(`../public/${name}`))

const side = (text, base, pages) => ({
  text,
  items: pages.map(({ name, title }) => ({
    text: name === 'index' ? 'All' : title,
    link: `${base}${name === 'index' ? '' : name}`,
  })),
})

/** Colours of code as classes: inline styles would need a policy that lets all of them through. */
const classes = transformerStyleToClass({ classPrefix: 'c-' })
const CODE_CSS = '/code.css'

const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** What a page may load: itself, and the scripts that VitePress writes into it, each by its hash. */
function policyOf(html) {
  const scripts = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, text]) =>
    hash(text),
  )
  return [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' ${[...new Set(scripts)].join(' ')}`,
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

export default defineConfig({
  title: 'tinystill',
  description: 'A tensor and autograd engine in TypeScript, and the distillation toolkit on top of it',
  lang: 'en-GB',
  base: process.env.SITE_BASE ?? '/',
  cleanUrls: false,
  metaChunk: true,
  // Neither a style that is written for a moment, nor pages that nobody asked for.
  appearance: { disableTransition: false },
  router: { prefetchLinks: false },
  contentProps: { class: 'page' },
  head: [
    ['link', { rel: 'stylesheet', href: `${process.env.SITE_BASE ?? '/'}code.css` }],
    ['link', { rel: 'icon', href: 'data:,' }],
  ],
  srcExclude: ['node_modules/**', 'README.md'],
  markdown: {
    config: ours,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    codeTransformers: [classes],
  },
  transformHtml(html) {
    // What VitePress styles in place is style.css's and its own script's business.
    const plain = html.replace(' style="--vp-vh:0px;"', '')
    return plain.replace(
      '<meta charset="utf-8">',
      `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${policyOf(plain)}">`,
    )
  },
  buildEnd({ outDir }) {
    writeFileSync(outDir + CODE_CSS, classes.getCSS())
  },
  vite: { build: { chunkSizeWarningLimit: 1500 } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Lessons', link: '/lessons/' },
      { text: 'Playground', link: '/play' },
      { text: 'Reference', link: '/ops/' },
      { text: 'API', link: '/api/' },
      { text: 'Guides', link: '/guides/' },
      { text: 'Results', link: '/documents/results' },
    ],
    sidebar: {
      '/lessons/': [{ text: 'Lessons', items: lessons }],
      '/guides/': [{ text: 'Guides', items: guides }],
      '/errors/': [{ text: 'Guides', items: guides }, side('Errors', '/errors/', await errorPages())],
      '/api/': [side('API', '/api/', await apiPages())],
      '/ops/': [side('Ops', '/ops/', await opPages())],
      '/losses/': [side('Losses', '/losses/', await lossPages())],
      '/recipes/': [side('Recipes', '/recipes/', await recipePages())],
      '/commands/': [side('Commands', '/commands/', await commandPages())],
      '/decisions/': [side('Decisions', '/decisions/', decisionPages())],
      '/documents/': [
        side('Guides and papers', '/documents/', documentPages()),
        {
          text: 'Reference',
          items: ['Guides', 'API', 'Ops', 'Losses', 'Recipes', 'Commands', 'Errors', 'Decisions'].map(
            (text) => ({
              text,
              link: `/${text.toLowerCase()}/`,
            }),
          ),
        },
      ],
    },
  },
})
