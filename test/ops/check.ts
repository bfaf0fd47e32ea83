// The standard suite lies in the package, for ops made elsewhere too: here it is as the tests call it.
import type { AnyOp } from '../../src/autograd/op.js'
import { checkOp as checkRecord, type OpReport } from '../../src/autograd/tools/check-op.js'

export type { OpReport }

/** `derivatives: false` leaves out the differences, which are float64 and the same on every backend. */
export function checkOp(op: AnyOp, seed = 1, { derivatives = true } = {}): OpReport {
  return checkRecord(op, { seed, derivatives })
}
