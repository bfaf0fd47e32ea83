// Optimizer steps, in place.
import { madd, put, splat, take } from './simd'

/** correct: 1 / sqrt(correction2). l2 is Adam's weight decay, keep = 1 - lr * wd is AdamW's. */
export function adam(
  p: usize, g: usize, m: usize, v: usize, n: i32, beta1: f32, rest1: f32, beta2: f32, rest2: f32,
  step: f32, correct: f32, eps: f32, l2: f32, keep: f32, gradScale: f32,
): void {
  const b1 = splat(beta1), r1 = splat(rest1), b2 = splat(beta2), r2 = splat(rest2)
  const s = splat(step), c = splat(correct), e = splat(eps), w = splat(l2), k = splat(keep), gs = splat(gradScale)
  const bytes = <usize>n * 4
  const whole = bytes & ~15
  for (let i: usize = 0; i < bytes; i += 16) {
    const rest = i < whole ? 0 : n & 3
    const old = take(p + i, rest)
    const grad = madd(w, old, f32x4.mul(take(g + i, rest), gs))
    const m1 = madd(b1, take(m + i, rest), f32x4.mul(r1, grad))
    const v1 = madd(b2, take(v + i, rest), f32x4.mul(f32x4.mul(r2, grad), grad))
    put(m + i, m1, rest)
    put(v + i, v1, rest)
    const root = madd(f32x4.sqrt(v1), c, e)
    put(p + i, f32x4.sub(f32x4.mul(old, k), f32x4.div(f32x4.mul(s, m1), root)), rest)
  }
}

export function sgd(
  p: usize, g: usize, buf: usize, n: i32, lr: f32, momentum: f32, l2: f32, nesterov: bool, gradScale: f32,
): void {
  const l = splat(lr), mu = splat(momentum), w = splat(l2), gs = splat(gradScale)
  const bytes = <usize>n * 4
  const whole = bytes & ~15
  for (let i: usize = 0; i < bytes; i += 16) {
    const rest = i < whole ? 0 : n & 3
    const old = take(p + i, rest)
    const grad = madd(w, old, f32x4.mul(take(g + i, rest), gs))
    const velocity = madd(mu, take(buf + i, rest), grad)
    put(buf + i, velocity, rest)
    const move = nesterov ? madd(mu, velocity, grad) : velocity
    put(p + i, f32x4.sub(old, f32x4.mul(l, move)), rest)
  }
}
