// What all kernels are made of: multiply-add, sums over lanes, and loads and stores of the last, shorter vector.

/** a * b + c: one rounding in the relaxed build where the machine has it, two in the strict one. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  // @ts-ignore: RELAXED comes from --use
  if (RELAXED) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x)
}

/**
 * Number i of a table in memory, four times. For the constants of inner loops: Node 24 makes a v128 constant anew at
 * each use, which takes longer than this load.
 */
// @ts-ignore: decorator
@inline
export function num(table: usize, i: i32): v128 {
  return v128.load32_splat(table + <usize>i * 4)
}

/** The sum of the four lanes, pairwise. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const w = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1))
  return f32x4.extract_lane(w, 0) + f32x4.extract_lane(w, 1)
}

// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  const w = f32x4.max(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1))
  return max(f32x4.extract_lane(w, 0), f32x4.extract_lane(w, 1))
}

// @ts-ignore: decorator
@inline
export function minLanes(v: v128): f32 {
  const w = f32x4.min(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1))
  return min(f32x4.extract_lane(w, 0), f32x4.extract_lane(w, 1))
}

/** The first `count` (1 to 3) lanes at p, the others from `rest`. Reads nothing past them. */
export function loadTail(p: usize, count: i32, rest: v128): v128 {
  let v = v128.load_lane<f32>(p, rest, 0)
  if (count > 1) v = v128.load_lane<f32>(p, v, 1, 4)
  if (count > 2) v = v128.load_lane<f32>(p, v, 2, 8)
  return v
}

export function storeTail(p: usize, v: v128, count: i32): void {
  v128.store_lane<f32>(p, v, 0)
  if (count > 1) v128.store_lane<f32>(p, v, 1, 4)
  if (count > 2) v128.store_lane<f32>(p, v, 2, 8)
}

/** A vector, or where `rest` is not 0 its first `rest` lanes and zeros. */
// @ts-ignore: decorator
@inline
export function take(p: usize, rest: i32): v128 {
  return rest ? loadTail(p, rest, splat(0)) : v128.load(p)
}

// @ts-ignore: decorator
@inline
export function put(p: usize, v: v128, rest: i32): void {
  if (rest) storeTail(p, v, rest)
  else v128.store(p, v)
}
