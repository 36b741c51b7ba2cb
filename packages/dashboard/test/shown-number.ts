/** Reads numbers from the text of the page, without the functions that the page writes them with. */

const factors: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  '%': 0.01,
  B: 1,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A number that a text shows: `12.4 k` is 12,400 to within 100. */
export interface ShownNumber {
  readonly value: number
  /** What its last digit counts. */
  readonly step: number
}

/** The first number of a text, with its unit, or with two as in `4 min 10 s`. Undefined if it shows none. */
export function shownNumber(text: string): ShownNumber | undefined {
  let found: ShownNumber | undefined
  let end = 0
  for (const match of text.matchAll(
    /(\d+(?:\u202f\d{3})*)(\.\d+)?(?:[ \u00a0](%|[KMG]iB|B|ms|min|[kMGshd])(?![a-z]))?/g,
  )) {
    const [whole, digits = '', decimals = '', unit = ''] = match
    if (found !== undefined && (match.index !== end + 1 || unit === '')) break
    const step = (factors[unit] ?? 1) / 10 ** Math.max(0, decimals.length - 1)
    const value = Number(digits.replaceAll('\u202f', '') + decimals) * (factors[unit] ?? 1)
    found = { value: (found?.value ?? 0) + value, step }
    end = match.index + whole.length
  }
  return found
}

/**
 * What is wrong with a text that should show `value`; undefined if nothing is. A number is rounded to its last digit, and
 * null is shown as a dash.
 */
export function mismatch(text: string, value: number | null | undefined): string | undefined {
  const shown = shownNumber(text)
  if (value === null || value === undefined) return shown === undefined ? undefined : `'${text}' for no value`
  if (shown === undefined) return `'${text}' for ${value}`
  // A count is exact.
  const isExact = Number.isInteger(value) && shown.step === 1 && !/%| B|ms/.test(text)
  const allowed = isExact ? 0 : shown.step * (1 + 1e-9)
  return Math.abs(shown.value - value) <= allowed ? undefined : `'${text}' for ${value}`
}
