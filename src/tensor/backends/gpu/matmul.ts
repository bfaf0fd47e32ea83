// Matrix products on a device: operands by reference where they are there already, the rest of the batch's layout as strides.
// What the device does not take goes to the kernels of the processor, and so does everything after it is lost.
import { BackendError } from '../../../errors.js'
import type { MatrixBatch } from '../../kernel-args.js'
import type { Kernels } from '../../kernels.js'
import { Session } from './session.js'
import { type Device, DeviceLost, type Layout, type Times } from './types.js'

export type OnGpuLoss = 'recover' | 'throw'

/** A stretch of the batch in which both operands move on by one step. */
interface Run {
  from: number
  count: number
  aStep: number
  bStep: number
}

/** Broadcasting repeats operands in patterns: cut where a step changes. */
export function runsOf(a: ArrayLike<number>, b: ArrayLike<number>, batch: number): Run[] {
  const runs: Run[] = []
  for (let i = 0; i < batch; ) {
    const run: Run = { from: i, count: 1, aStep: 0, bStep: 0 }
    if (i + 1 < batch) {
      run.aStep = a[i + 1] - a[i]
      run.bStep = b[i + 1] - b[i]
      while (
        i + run.count < batch &&
        a[i + run.count] === a[i] + run.count * run.aStep &&
        b[i + run.count] === b[i] + run.count * run.bStep
      )
        run.count++
    }
    runs.push(run)
    i += run.count
  }
  return runs
}

/** More would be many small calls. */
const MAX_RUNS = 16

/** The elements from the first of the storage on, and where the operand's own first one lies among them. */
function whole({ data, storage, base = 0 }: MatrixBatch): { data: Float32Array; base: number } {
  return storage === undefined
    ? { data: data as Float32Array, base: 0 }
    : { data: storage.data as Float32Array, base }
}

export class GpuMatmul {
  #session: Session
  /** Why the device is not used any more. */
  gone: string | null = null
  /** One line for each loss. */
  readonly losses: string[] = []
  #broken = false
  /** Called after each product with its times; makes the device be waited for in between. */
  onTimes: ((times: Times & { upload: number }) => void) | null = null

  constructor(
    readonly device: Device,
    /** Of the processor. */
    readonly fast: () => Kernels,
    readonly onLoss: OnGpuLoss,
    readonly warn: (line: string) => void,
    /** Bytes on the device that operands and results may take after use. */
    readonly budget = 2 ** 30,
  ) {
    this.#session = new Session(device, budget)
  }

  /** Whether the device takes a product of this size. */
  takes(a: MatrixBatch, b: MatrixBatch, batch: number, m: number, n: number, k: number): boolean {
    const { largest } = this.device.driver
    const side = 2 ** 16
    return (
      this.gone === null &&
      batch * m * n * k > 0 &&
      Math.max(batch * m * n, whole(a).data.length, whole(b).data.length) <= largest &&
      Math.max(batch, m, n) < side
    )
  }

  readonly matmul: Kernels['matmul'] = (...args) => {
    const [, a, b, batch, m, n, k] = args
    const runs = this.takes(a, b, batch, m, n, k) ? runsOf(a.offsets, b.offsets, batch) : []
    if (runs.length === 0 || runs.length > MAX_RUNS) return this.fast().matmul(...args)
    try {
      if (this.#broken && !this.#mend()) this.fast().matmul(...args)
      else this.#multiply(runs, ...args)
    } catch (error) {
      if (!(error instanceof DeviceLost)) throw error
      this.#lost(error, `matmul [${m}, ${k}] x [${k}, ${n}]`)
      this.fast().matmul(...args)
    }
  }

  #multiply(
    runs: Run[],
    ...[out, a, b, batch, m, n, k, bias, activation, made]: Parameters<Kernels['matmul']>
  ): void {
    const session = this.#session
    const began = performance.now()
    const [x, y] = [whole(a), whole(b)]
    const left = session.place(x.data, a.storage)
    const right = b.storage !== undefined && b.storage === a.storage ? left : session.place(y.data, b.storage)
    const upload = performance.now() - began
    let id = 0
    for (const { from, count, aStep, bStep } of runs) {
      id = session.next()
      const layout = (o: MatrixBatch, at: number, base: number, step: number): Layout => {
        return { id: at, offset: base + o.offsets[from], step, row: o.rowStride, col: o.colStride }
      }
      const product = {
        ...{ id, a: layout(a, left.id, x.base, aStep), b: layout(b, right.id, y.base, bStep) },
        ...{ bias: bias as Float32Array | null, batch: count, m, n, k },
      }
      const part = (out as Float32Array).subarray(from * m * n, (from + count) * m * n)
      const times = this.device.multiply(product, part, this.onTimes !== null)
      this.onTimes?.({ ...times, upload })
      const keeps = made !== undefined && count === batch && !activation && made.length === part.length
      if (keeps) session.keep(id, part.length, made)
      else this.device.free(id)
    }
    for (const operand of new Set([left, right])) if (operand.once) this.device.free(operand.id)
    session.trim()
    if (activation) this.fast().unary(activation, out, out)
  }

  #lost(error: DeviceLost, where: string): void {
    this.#broken = true
    this.#session.clear()
    const line = `gpu: device lost in ${where} (${error.message})`
    this.losses.push(line)
    if (this.onLoss === 'throw')
      throw new BackendError(line, "Call setBackend('gpu') again, or pass { onGpuLoss: 'recover' }")
    this.warn(`${line}: done again on the processor`)
  }

  close(): void {
    this.#session.clear()
    this.gone ??= 'closed'
    this.device.close()
  }

  /** A new device after a loss. Where there is none, the processor does everything from here on. */
  #mend(): boolean {
    try {
      this.device.reopen()
      this.#session = new Session(this.device, this.budget)
      this.#broken = false
      return true
    } catch (error) {
      this.gone = `the device was lost and does not come back: ${(error as Error).message}`
      this.warn(`gpu: ${this.gone}. From here on the processor does its work`)
      return false
    }
  }
}
