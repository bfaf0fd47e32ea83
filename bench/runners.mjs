// The two runners. Each takes a function and a budget in milliseconds and gives milliseconds a call, a sample each.
// They share nothing, so a figure on which they agree does not come from the way of measuring.
import Benchmark from 'benchmark'
import { Bench } from 'tinybench'

/** A sample of the package benchmark is the mean over at least this long; short, so that medians compare. */
const SAMPLE_SECONDS = 0.005

/** The package benchmark. A heavy function is called once more to warm up, and then once. */
function byBenchmark(fn, { budget, heavy }) {
  const limits = heavy ? { minSamples: 1, maxTime: 0 } : { minSamples: 3, maxTime: budget / 1000 }
  const bench = new Benchmark({ fn, minTime: SAMPLE_SECONDS, initCount: 1, ...limits })
  bench.run({ async: false })
  if (bench.error) throw bench.error
  return bench.stats.sample.map((seconds) => seconds * 1000)
}

function byTinybench(fn, { budget, heavy }) {
  const limits = heavy
    ? { time: 0, iterations: 1, warmup: false }
    : { time: budget, iterations: 3, warmupTime: budget / 10, warmupIterations: 1 }
  const bench = new Bench({ retainSamples: true, throws: true, ...limits })
  bench.add('case', fn)
  const [{ result }] = bench.runSync()
  return result.latency.samples
}

export const runners = { benchmark: byBenchmark, tinybench: byTinybench }
