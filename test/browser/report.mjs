// Pages and their script in a real browser: 200 hostile texts in every place that a text can have, the policy alone against
// markup that got through, and what the reader can turn and choose.
import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { renderReport } from '../../dist/report/report.js'
import { trainingReport } from '../../dist/report/training-report.js'

const ORIGIN = 'http://report.invalid'
const EVIL = 'http://evil.invalid'

/** What `npm test` uses: this Node does not read TypeScript. */
async function fixtures() {
  const source = readFileSync(new URL('../distill/hostile.ts', import.meta.url), 'utf8')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  const { outputText } = ts.transpileModule(source, { compilerOptions })
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`)
}

/** Each sets window.pwned, or loads something, where it becomes markup. */
const PAYLOADS = [
  '<script>top.pwned=1</script>',
  '<img src=x onerror="top.pwned=1">',
  '<svg onload="top.pwned=1"></svg>',
  '<svg><script href="data:text/javascript,top.pwned=1"/></svg>',
  '<iframe srcdoc="<script>top.pwned=1</script>"></iframe>',
  '<a href="javascript:top.pwned=1" autofocus onfocus="top.pwned=1" tabindex=1>x</a>',
  `<style>@import "${EVIL}/x.css";*{background:url(${EVIL}/y)}</style>`,
  `<p style="background:url(${EVIL}/s)">x</p>`,
  `<link rel=stylesheet href=${EVIL}/z.css><link rel=prefetch href=${EVIL}/p>`,
  `<base href=${EVIL}/><img src=relative>`,
  `<form action=${EVIL}><input autofocus onfocus=top.pwned=1></form>`,
  '<object data="data:text/html,<script>top.pwned=1</script>"></object>',
  '<details open ontoggle=top.pwned=1><summary>x</summary></details>',
  `<video src=${EVIL}/v onerror=top.pwned=1 autoplay></video>`,
  '{{top.pwned=1}}$' + '{top.pwned=1}<%= top.pwned=1 %><b>',
]
const WAYS_OUT = [
  '',
  '">',
  "'>",
  '</script>',
  '</style></title>',
  '</option></select>',
  '</svg></table></main>',
  '<!--',
  '\u202e\u2028\0]]>',
  `${'long '.repeat(1000)}-->`,
]

/** Opens documents that nothing else is served beside, and notes all that should not happen. */
async function watched(browser, f) {
  const page = await browser.newPage()
  const noted = []
  let html = ''
  await page.route('**', (route) => {
    const url = route.request().url()
    if (url === `${ORIGIN}/`) return route.fulfill({ contentType: 'text/html', body: html })
    noted.push(`asked for ${url}`)
    return route.abort()
  })
  page.on('dialog', (dialog) => {
    noted.push(`dialog ${dialog.message()}`)
    dialog.dismiss()
  })
  page.on('pageerror', (error) => noted.push(String(error)))
  page.on('popup', () => noted.push('a window'))
  await page.addInitScript(() => {
    window.violations = []
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(e.violatedDirective))
  })
  const show = async (document) => {
    html = document
    noted.length = 0
    await page.goto(`${ORIGIN}/`)
  }
  const ran = async () => [...noted, ...((await page.evaluate(() => window.pwned)) ? ['window.pwned'] : [])]
  try {
    await f({ page, show, ran, violations: () => page.evaluate(() => window.violations) })
  } finally {
    await page.close()
  }
}

/** All texts of the document in their order, and attributes that do something. Runs in the page. */
function contents() {
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT)
  const texts = []
  while (walker.nextNode())
    if (!walker.currentNode.parentNode.matches('script, style')) texts.push(walker.currentNode.data)
  const names = [...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames())
  return { texts, active: names.filter((name) => /^(on|style$|href$|src$|action$|data$)/.test(name)) }
}

const WORD = 'harmless'
const MARK = '\u2026'

/** Whether `got` is what stood there with another text for the harmless one; names and cells may be cut short. */
function reads(got, usual, text) {
  // What no document can hold. The page's script sets texts as they are.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  const held = text.replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, '\ufffd').replace(/\p{Cs}/gu, '\ufffd')
  return [held, text].some((own) => {
    if (got === usual.replaceAll(WORD, () => own)) return true
    const start = got.slice(0, got.lastIndexOf(MARK))
    return (
      got.includes(MARK) && (own.startsWith(start) || usual.replaceAll(WORD, () => own).startsWith(start))
    )
  })
}

/** The other kind of page, each text in it `text`. */
function trainingPage(text) {
  return renderReport(
    trainingReport({
      ...{ title: text, intro: text, figures: { [text]: { accuracy: 1 } }, facts: [[text, text]] },
      steps: [{ step: 1, loss: 1, lr: 1, terms: { [text]: 1 } }],
      evaluations: [{ epoch: 1, step: 1, score: 1, best: true, figures: { [text]: 1 } }],
      confusion: { classes: [text, text], table: [1, 2, 3, 4] },
      calibration: [{ rows: 1, confidence: 0.5, accuracy: 0.5 }],
    }),
  )
}

async function checkHostile(browser, must, HOSTILE, render) {
  const texts = [...new Set([...HOSTILE, ...WAYS_OUT.flatMap((out) => PAYLOADS.map((p) => out + p))])]
  must(texts.length === 200, `${texts.length} texts`)
  let places = 0
  await watched(browser, async ({ page, show, ran, violations }) => {
    await show(render(WORD))
    const usual = await page.evaluate(contents)
    places = usual.texts.filter((t) => t.includes(WORD)).length
    for (const text of texts) {
      const name = JSON.stringify(text.slice(0, 80))
      await show(render(text))
      const got = await page.evaluate(contents)
      must(got.active.length === 0, `${name}: attributes ${got.active.join(', ')}`)
      must(got.texts.length === usual.texts.length, `${name}: ${got.texts.length} texts in the page`)
      const other = got.texts.findIndex((t, i) => !reads(t, usual.texts[i], text))
      must(other < 0, `${name} reads ${JSON.stringify(got.texts[other]?.slice(0, 200))}`)
      const happened = [...(await ran()), ...(await violations())]
      must(happened.length === 0, `${name}: ${happened.join('; ')}`)
    }
  })
  return `${texts.length} texts in ${places} places stand there as they are`
}

/** Were escaping to fail somewhere, the policy would still hold. */
async function checkPolicy(browser, must, { filledReport }) {
  const stopped = new Set()
  const pages = [filledReport(() => WORD), { ...filledReport(() => WORD), sections: [] }].map(renderReport)
  await watched(browser, async ({ page, show, ran, violations }) => {
    for (const html of pages) {
      for (const payload of PAYLOADS) {
        await show(html.replace('<h1>', () => `${payload}<h1>`))
        await page.keyboard.press('Tab')
        const happened = await ran()
        must(happened.length === 0, `${payload}: ${happened.join('; ')}`)
        for (const directive of await violations()) stopped.add(directive)
      }
    }
    // The harness sees what it looks for: without the policy, payloads run.
    await show(`<!doctype html>${PAYLOADS.slice(0, 3).join('')}`)
    await page.waitForFunction(() => window.pwned === 1)
    must((await ran()).length > 0, 'a page without policy runs nothing')
  })
  must(stopped.size >= 4, `only ${[...stopped].join(', ')} stopped anything`)
  return `${PAYLOADS.length} pieces of markup stopped, by ${[...stopped].sort().join(', ')}`
}

/** softmax(z / T) as percentages. */
function softmax(logits, T) {
  const e = logits.map((z) => Math.exp(z / T))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((x) => (x / sum < 0.001 ? '< 0.1%' : `${((100 * x) / sum).toFixed(1)}%`))
}

const base64 = (bytes) => Buffer.from(bytes).toString('base64')

async function checkTurning(browser, must, { filledReport }) {
  const logits = [3, 1, -0.5]
  const bars = logits.map((z, i) => ({ name: `class ${i}`, logits: [z] }))
  const side = (layers, heads, f) => ({
    ...{ name: `${layers} layers`, heads: Array(layers).fill(heads) },
    texts: ['a', 'b'].map((word, t) => ({
      words: [word, 'x'],
      maps: base64(Array.from({ length: layers * heads * 4 }, (_, i) => f(t, Math.floor(i / 4), i % 4))),
    })),
  })
  // Of layer l and head h, map l * heads + h: its cells can be told from all others.
  const value = (t, map, cell) => (cell === map % 4 ? 255 : 51 + 17 * t)
  const attention = {
    texts: ['a x', 'b x'],
    student: side(2, 2, value),
    teacher: side(4, 1, value),
    pairs: [1, 3],
  }
  const section = { title: 's', temperature: [{ text: 't', bars }], attention }
  const opacities = (layerHead, t) =>
    [0, 1, 2, 3].map((cell) => {
      const all = layerHead.map((map) => value(t, map, cell) / 255)
      return all.reduce((a, b) => a + b, 0) / all.length
    })
  const close = (got, want) => {
    const top = Math.max(...want)
    return got.length === want.length && got.every((x, i) => Math.abs(x - want[i] / top) < 2e-3)
  }
  await watched(browser, async ({ page, show, ran, violations }) => {
    await show(renderReport({ ...filledReport(String), sections: [section] }))
    const shown = () => page.locator('.soft-targets td span').allTextContents()
    const maps = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('.map')].map((svg) =>
          [...svg.querySelectorAll('rect[fill-opacity]')].map((r) => Number(r.getAttribute('fill-opacity'))),
        ),
      )
    must(String(await shown()) === String(softmax(logits, 1)), await shown())
    for (const T of [0.5, 4, 10]) {
      await page.locator('input[type=range]').fill(String(T))
      must(String(await shown()) === String(softmax(logits, T)), `T = ${T}: ${await shown()}`)
    }
    await page.locator('input[type=range]').press('ArrowLeft')
    must(String(await shown()) === String(softmax(logits, 9.9)), `T = 9.9: ${await shown()}`)
    const widths = await page
      .locator('.soft-targets rect')
      .evaluateAll((all) => all.map((r) => r.getAttribute('width')))
    must(
      widths.every((w, i) => Math.abs(w - Number.parseFloat(softmax(logits, 9.9)[i])) < 0.06),
      widths,
    )

    const seen = async (what, student, teacher, t) => {
      const got = await maps()
      must(
        close(got[0], opacities(student, t)) && close(got[1], opacities(teacher, t)),
        `${what}: ${JSON.stringify(got)}`,
      )
    }
    const select = (name, option) => page.locator(`select[name=${name}]`).selectOption({ value: option })
    await seen('at first', [2, 3], [3], 0)
    await select('student-layer', '0')
    must(
      (await page.locator('select[name=teacher-layer]').inputValue()) === '1',
      'the teacher does not follow',
    )
    await seen('layer 1', [0, 1], [1], 0)
    await select('student-head', '2')
    await select('teacher-layer', '2')
    await select('text', '1')
    await seen('head 2 of the other text', [1], [2], 1)
    must(
      (await page.locator('.map').first().textContent()).startsWith('b'),
      'the words are not those of the text',
    )
    const happened = [...(await ran()), ...(await violations())]
    must(happened.length === 0, happened.join('; '))
  })
  return 'temperatures 0.5 to 10, by mouse and keys; texts, layers and heads'
}

/** `check` and `must` are those of run.mjs. */
export async function checkReports(browser, check, must) {
  const shared = await fixtures()
  const { HOSTILE, filledReport } = shared
  const kinds = {
    'with all kinds of sections': (text) => renderReport(filledReport(() => text)),
    'of a training': trainingPage,
  }
  for (const [kind, render] of Object.entries(kinds))
    await check(`report ${kind}: hostile texts stay texts, nothing runs, nothing is loaded`, () =>
      checkHostile(browser, must, HOSTILE, render),
    )
  await check('report: the policy stops markup by itself', () => checkPolicy(browser, must, shared))
  await check('report: the slider and the choosers work under the policy', () =>
    checkTurning(browser, must, shared),
  )
}
