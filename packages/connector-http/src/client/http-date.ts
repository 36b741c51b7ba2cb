const months = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const pattern = /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/

/** Reads a date of HTTP, in milliseconds since 1970; undefined if it is none. */
export function httpDate(text: string): number | undefined {
  const [, day, name = '', year, hour, minute, second] = pattern.exec(text.trim()) ?? []
  const at = months.indexOf(name)
  if (day === undefined || name === '' || at % 3 !== 0) return undefined
  const days = daysSinceEpoch(Number(year), at / 3 + 1, Number(day))
  return ((days * 24 + Number(hour)) * 60 + Number(minute)) * 60_000 + Number(second) * 1_000
}

/** Days of the Gregorian calendar, counted in years that begin in March. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468
}

/** How long a `Retry-After` asks to wait, in milliseconds: seconds or a date. 0 without one. */
export function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000
  const date = httpDate(header)
  return date === undefined ? 0 : Math.max(0, date - now)
}
