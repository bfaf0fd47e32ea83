// Where the time of a function goes, by kernel and size.
import { renderTable } from '../dist/cli/shared/table.js'
import { kernelsFor } from '../dist/tensor/backend.js'
import { right } from './lib/format.mjs'

/** What a call is listed as, and its floating-point operations where they are known. */
function describeCall(kernel, args) {
  if (kernel === 'matmul') {
    const [batch, m, n, k] = args.slice(3, 7)
    return { key: `matmul ${batch === 1 ? '' : `${batch} x `}${m}x${k}x${n}`, flops: 2 * batch * m * n * k }
  }
  if (kernel === 'attention' || kernel === 'attentionGrad') {
    const { B, H, S, T, D } = args.at(-1)
    return { key: kernel, flops: (kernel === 'attention' ? 4 : 10) * B * H * S * T * D }
  }
  return { key: typeof args[0] === 'string' ? `${kernel} ${args[0]}` : kernel, flops: 0 }
}

/** { total, rows: [{ kernel, ms, calls, gflops }] }, each a call of `run`, the longest first. */
export function profile(run, times = 6) {
  const kernels = kernelsFor('float32')
  const plain = { ...kernels }
  const spent = new Map()
  let depth = 0
  run()
  for (const [name, fn] of Object.entries(plain)) {
    kernels[name] = (...args) => {
      // A kernel that calls others is counted once.
      if (depth > 0) return fn(...args)
      depth++
      const start = performance.now()
      try {
        return fn(...args)
      } finally {
        depth--
        const { key, flops } = describeCall(name, args)
        const sum = spent.get(key) ?? { ms: 0, calls: 0, flops: 0 }
        spent.set(key, {
          ms: sum.ms + performance.now() - start,
          calls: sum.calls + 1,
          flops: sum.flops + flops,
        })
      }
    }
  }
  const start = performance.now()
  try {
    for (let i = 0; i < times; i++) run()
  } finally {
    Object.assign(kernels, plain)
  }
  const total = (performance.now() - start) / times
  const rows = [...spent].map(([kernel, { ms, calls, flops }]) => ({
    ...{ kernel, ms: ms / times, calls: calls / times },
    gflops: flops === 0 ? null : flops / ms / 1e6,
  }))
  rows.sort((a, b) => b.ms - a.ms)
  const inside = rows.reduce((sum, { ms }) => sum + ms, 0)
  rows.push({ kernel: 'outside the kernels', ms: total - inside, calls: null, gflops: null })
  return { total, rows }
}

export function profileTable({ total, rows }) {
  const columns = [...['ms', 'share', 'calls'].map(right), { title: 'kernel' }, right('GFLOP/s')]
  return renderTable(
    columns,
    rows.map(({ kernel, ms, calls, gflops }) => [
      ...[ms.toFixed(1), `${((100 * ms) / total).toFixed(1)}%`, calls === null ? '' : String(calls)],
      ...[kernel, gflops === null ? '' : gflops.toFixed(1)],
    ]),
  )
}
