/** A span as `30 ms`, `2.5 s`, `12 s`, `3 min` or `5 h`. */
export function roundedDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(Math.max(0, ms))} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3_600)} h`
}

const dateAndTime = new Intl.DateTimeFormat('sv-SE', {
  dateStyle: 'short',
  timeStyle: 'medium',
  timeZone: 'UTC',
})

/** A moment as `2016-12-10 07:13:43`, in UTC. */
export function timeText(ms: number): string {
  return dateAndTime.format(ms)
}

/** A number with separators of thousands. */
export function wholeText(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** A share as `97 %`. */
export function shareText(share: number): string {
  return `${Math.round(share * 100)} %`
}

/** A size as `512 B`, `1.2 kB`, `3.4 MB`. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
