// node bench/kept.mjs [arrays] [dist]: trains and keeps what data gave, 20,000 arrays of it, with tidy and without, with turns of
// the event loop between the steps and with none; then looks whether each is still what was read. Runs in Node, Bun, Deno and
// in a page (import { keptArrays }). One line a case; the last is 'N passed, N failed'.
const CASES = ['js', 'wasm'].flatMap((backend) =>
  [true, false].flatMap((tidied) => [true, false].map((turns) => ({ backend, tidied, turns }))),
)

const turn = () => new Promise((resolve) => setTimeout(resolve, 0))

/** `lib`: the module tinystill. Gives the number of cases that failed. */
export async function keptArrays(lib, arrays = 20_000, say = console.log) {
  const { manualSeed, ones, optim, randn, setBackend, tidy } = lib
  let failed = 0
  for (const { backend, tidied, turns } of CASES) {
    setBackend(backend)
    manualSeed(1)
    const w = randn([16, 16], { requiresGrad: true })
    const optimizer = new optim.SGD([w], { lr: 1e-2 })
    const kept = []
    // What was read, as numbers that no tensor can reach.
    const keep = (array) => kept.push({ array, read: Array.from(array) })
    const each = tidied ? tidy : (f) => f()
    const steps = Math.ceil(arrays / CASES.length / 3)
    for (let step = 0; step < steps; step++) {
      each(() => {
        const p = ones([7, 16])
          .mul((step % 13) / 6 - 1)
          .matmul(w)
          .softmax(-1)
        keep(p.data)
        p.mul(p).sum().backward()
        keep(w.grad.data)
        optimizer.step()
        keep(w.data)
        optimizer.zeroGrad()
      })
      if (turns && step % 10 === 0) await turn()
    }
    const changed = kept.filter(({ array, read }) => read.some((x, i) => !Object.is(x, array[i]))).length
    const shared = kept.filter(({ array }) => !(array.buffer instanceof ArrayBuffer)).length
    if (changed + shared > 0) failed++
    const how = `${backend}, ${tidied ? 'tidy' : 'no tidy'}, ${turns ? 'turns' : 'no turn'}`
    say(
      `${changed + shared > 0 ? 'FAILED' : 'ok    '}  ${how}: of ${kept.length} arrays ${changed} changed, ${shared} shared`,
    )
  }
  setBackend('auto')
  say(`${CASES.length - failed} passed, ${failed} failed`)
  return failed
}

const { process, Deno } = globalThis
const argv = process?.argv ?? ['', '', ...(Deno?.args ?? [])]
if (argv[1]?.endsWith('kept.mjs') || import.meta.main) {
  const lib = await import(argv[3] ?? '../dist/index.js')
  const failed = await keptArrays(lib, Number(argv[2] ?? 20_000))
  process?.exit(failed > 0 ? 1 : 0)
}
