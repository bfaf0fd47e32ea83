// Numbers for the tables.

/** Milliseconds with three digits that count. */
export function ms(value) {
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : value >= 0.1 ? value.toFixed(2) : value.toFixed(4)
}

export const percent = (share) => `${(share * 100).toFixed(0)}%`

export const plural = (n, thing) => `${n} ${thing}${n === 1 ? '' : 's'}`

export const right = (title) => ({ title, align: 'right' })
