import type { EventTimeWait, JobStatus, Outage } from '@millrace/core/job'
import type { Figures } from './progress.ts'

/**
 * Formats the state of a job as one line.
 *
 * @example
 * 'running  12,345 in/s  120 out/s  at 2016-12-10 07:13:43  checkpoint 12, 3 s ago, 8 ms  state 1.2 MB'
 */
export function statusText(status: JobStatus, figures: Figures, now: number): string {
  const { phase, restarts, state, lastCheckpoint } = status
  const { inRate, outRate, watermark, counts } = figures
  const parts = [phase, `${whole(inRate)} in/s`, `${whole(outRate)} out/s`]
  if (watermark !== undefined) parts.push(eventTimeText(watermark, now))
  if (lastCheckpoint !== undefined) {
    const { checkpoint, completedAt, durationMs } = lastCheckpoint
    parts.push(`checkpoint ${checkpoint}, ${roundedDuration(now - completedAt)} ago, ${whole(durationMs)} ms`)
  }
  for (const outage of status.outages) parts.push(outageText(outage, now))
  const wait = longestOf(status.eventTimeWaits)
  if (wait !== undefined && now - wait.since >= waitShownMs) parts.push(waitText(wait, now))
  if (state !== undefined && state.cells > 0) parts.push(`state ${bytesText(state.liveBytes)}`)
  if (restarts > 0) parts.push(`restarts ${restarts}`)
  for (const [metric, count] of counts) parts.push(countText(metric, count))
  return parts.join('  ')
}

/** How long event time must wait for one split before the status shows it: short waits are normal. */
const waitShownMs = 5_000

/** An outage as `'orders' down for 3 min`. */
function outageText({ part, since }: Outage, now: number): string {
  return `'${part}' down for ${roundedDuration(now - since)}`
}

function longestOf(waits: readonly EventTimeWait[]): EventTimeWait | undefined {
  return waits.toSorted((a, b) => a.since - b.since)[0]
}

function waitText({ source, split, since }: EventTimeWait, now: number): string {
  const place = split === undefined ? `'${source}'` : `'${source}' split '${split}'`
  return `windows wait ${roundedDuration(now - since)} for ${place}`
}

/** Metrics for display, for one and for several. */
const metricNames: Readonly<Record<string, readonly [one: string, several: string]>> = {
  late: ['late', 'late'],
  skipped: ['skipped', 'skipped'],
  deadLettered: ['dead letter', 'dead letters'],
  retried: ['retry', 'retries'],
  firedAtEnd: ['timer fired at the end', 'timers fired at the end'],
  droppedAtEnd: ['timer dropped at the end', 'timers dropped at the end'],
}

/** A count as `3 dead letters` or `1 dead letter`. */
export function countText(metric: string, count: number): string {
  const [one, several] = metricNames[metric] ?? [metric, metric]
  return `${whole(count)} ${count === 1 ? one : several}`
}

const longestLagMs = 3_600_000

/** Formats how far event time is behind the clock; for old data, the event time itself. */
export function eventTimeText(watermark: number, now: number): string {
  const lagMs = now - watermark
  return lagMs >= 0 && lagMs < longestLagMs ? `lag ${roundedDuration(lagMs)}` : `at ${dateText(watermark)}`
}

const dateAndTime = new Intl.DateTimeFormat('sv-SE', {
  dateStyle: 'short',
  timeStyle: 'medium',
  timeZone: 'UTC',
})
const dateMax = 8.64e15

/** A moment as `2016-12-10 07:13:43`, in UTC. */
export function dateText(ms: number): string {
  return Math.abs(ms) <= dateMax ? dateAndTime.format(ms) : `${ms} ms`
}

/** Formats a number with thousands separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** A span as `0.3 s`, `12 s`, `3 min` or `5 h`. */
export function roundedDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3_600)} h`
}

/** A size as `512 B`, `1.2 kB`, `3.4 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
