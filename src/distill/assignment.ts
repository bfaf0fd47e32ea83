// Which order of a model's classes its data would like best.

/**
 * The permutation with the largest sum of table[i * n + order[i]]: to each row its column. Hungarian method in the form with
 * potentials, O(n^3): Jonker and Volgenant 1987.
 */
export function bestOrder(table: ArrayLike<number>, n: number): Int32Array {
  const u = new Float64Array(n + 1)
  const v = new Float64Array(n + 1)
  const rowOf = new Int32Array(n + 1)
  for (let row = 1; row <= n; row++) {
    rowOf[0] = row
    const least = new Float64Array(n + 1).fill(Infinity)
    const from = new Int32Array(n + 1)
    const used = new Uint8Array(n + 1)
    let column = 0
    while (rowOf[column] !== 0) {
      used[column] = 1
      const i = rowOf[column]
      let delta = Infinity
      let next = 0
      for (let j = 1; j <= n; j++) {
        if (used[j]) continue
        const cost = -table[(i - 1) * n + j - 1] - u[i] - v[j]
        if (cost < least[j]) {
          least[j] = cost
          from[j] = column
        }
        if (least[j] < delta) {
          delta = least[j]
          next = j
        }
      }
      for (let j = 0; j <= n; j++) {
        if (used[j]) {
          u[rowOf[j]] += delta
          v[j] -= delta
        } else least[j] -= delta
      }
      column = next
    }
    for (; column !== 0; column = from[column]) rowOf[column] = rowOf[from[column]]
  }
  const order = new Int32Array(n)
  for (let j = 1; j <= n; j++) order[rowOf[j] - 1] = j - 1
  return order
}
