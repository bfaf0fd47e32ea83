// What every process of bench:peers does with its work: warm up, measure, print one line of JSON.

/** Calls longer than this are measured once and without more warming up. */
const LONG_MS = 4000
const ENDLESS_MS = 30000
// An engine takes its time to compile WebAssembly for speed.
const WARM_MS = 1500
const LEAST_CALLS = 5
const MOST_CALLS = 200
const MEASURE_MS = 1500

/** The work that this process is asked for: { what, threads } and { m, k, n } or { shape, batch, tokens, vocabulary }. */
export const work = JSON.parse(process.argv.at(-1))

export function cannot(why) {
  console.error(`not measured: ${why}`)
  process.exit(1)
}

async function time(fn) {
  const start = performance.now()
  await fn()
  return performance.now() - start
}

/** `fn` does the work once, and is done when it returns (or its promise resolves). */
export async function measure(fn, more = {}) {
  let warm = await time(fn)
  // The first call may also compile: whether the work is long the second one tells, unless it takes half a minute.
  const second = warm > ENDLESS_MS ? warm : await time(fn)
  const ms = []
  if (second > LONG_MS) {
    ms.push(second)
  } else {
    for (warm += second; warm < WARM_MS; ) warm += await time(fn)
    let spent = 0
    while (ms.length < LEAST_CALLS || (spent < MEASURE_MS && ms.length < MOST_CALLS)) {
      ms.push(await time(fn))
      spent += ms.at(-1)
    }
  }
  // maxRSS is in kilobytes
  console.log(JSON.stringify({ ms, rss: process.resourceUsage().maxRSS * 1024, ...more }))
  process.exit(0)
}
