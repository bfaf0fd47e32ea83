// Order statistics: a machine with other work has outliers, which a mean would follow.

export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}

export const median = (values) => quantile(values, 0.5)

/** spread: half the range that holds the middle half, as a share of the median. */
export function summary(values) {
  const middle = median(values)
  const spread = (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / middle
  return { median: middle, spread, least: Math.min(...values), samples: values.length }
}
