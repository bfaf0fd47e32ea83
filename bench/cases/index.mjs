// All cases. A case is { name, group, setup() -> fn } and, where known, `flops` of a call. `kernel` names the kernel
// that it calls and nothing else; `heavy` says that one call takes seconds; `threads: 'all'` that it uses its own.
import { demoCases } from './demo.mjs'
import { kernelCases } from './kernels.mjs'
import { latencyCases } from './latency.mjs'
import { matmulCases } from './matmul.mjs'
import { opCases } from './ops.mjs'
import { stepCases } from './step.mjs'

export const cases = [...matmulCases, ...kernelCases, ...opCases, ...stepCases, ...latencyCases, ...demoCases]

export const groups = [...new Set(cases.map((c) => c.group))]
