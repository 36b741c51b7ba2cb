/** Numbers and times as people read them. Every function returns '–' for what is not known. */

const unknown = '–'
const prefixes = ['', ' k', ' M', ' G', ' T']

/** A count with three digits of precision: `999`, `12.4 k`, `1.20 M`. */
export function count(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unknown
  return scaled(value, 1_000, prefixes)
}

/** A count in full, with thin spaces between thousands: `1 234 567`. */
export function exact(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unknown
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')
}

/** Records per second. */
export function rate(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? unknown : `${count(value)}/s`
}

/** Bytes in binary units: `512 B`, `1.50 MiB`. */
export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return unknown
  return scaled(value, 1_024, [' B', ' KiB', ' MiB', ' GiB', ' TiB'])
}

/** A share from 0 to 1 in whole percent. */
export function percent(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return unknown
  return `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`
}

/** A length of time in milliseconds, in its two largest units: `12 ms`, `3.20 s`, `4 min 10 s`, `2 d 3 h`, from a week on `9 d`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return unknown
  if (ms < 0) return `−${duration(-ms)}`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${trimmed(ms / 1_000)} s`
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 3_600) return pair(seconds, 60, 'min', 's')
  if (seconds < 86_400) return pair(Math.floor(seconds / 60), 60, 'h', 'min')
  if (seconds < 7 * 86_400) return pair(Math.floor(seconds / 3_600), 24, 'd', 'h')
  return `${Math.floor(seconds / 86_400)} d`
}

/** How long ago a time was. */
export function age(at: number | undefined, now: number): string {
  return at === undefined ? unknown : `${duration(Math.max(0, now - at))} ago`
}

/** A time of day, with the date where it is another day: `14:03:22`. */
export function clock(at: number | undefined, now: number = Date.now()): string {
  if (at === undefined || !Number.isFinite(at) || Math.abs(at) > 8.64e15) return unknown
  const date = new Date(at)
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  if (date.toDateString() === new Date(now).toDateString()) return time
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let rest = value
  let unit = 0
  while (Math.abs(rest) >= step * 0.9995 && unit < units.length - 1) {
    rest /= step
    unit++
  }
  return `${trimmed(rest)}${units[unit]}`
}

/** Three digits of precision; whole numbers stay whole. */
function trimmed(value: number): string {
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 100) return String(Math.round(value))
  return value.toFixed(size >= 10 ? 1 : 2)
}

function pair(value: number, step: number, large: string, small: string): string {
  const rest = value % step
  const whole = `${Math.floor(value / step)} ${large}`
  return rest === 0 ? whole : `${whole} ${rest} ${small}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
