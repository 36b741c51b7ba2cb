import { waitsText, type JobStatus } from '@millrace/core/job'
import { roundedDuration } from './status-text.ts'

/**
 * Says what a job that is stopping waits for: the phase that it is in, the parts that are late in it, and what is down.
 *
 * @example
 * stopReport(job.status(), clock.now()) // => "It was in the phase 'drain', and waited for 'orders'. 'orders' has been down for 3 min: refused."
 */
export function stopReport({ stop, outages }: Pick<JobStatus, 'stop' | 'outages'>, now: number): string {
  const down = outages.map(
    ({ part, since, reason }) => ` '${part}' has been down for ${roundedDuration(now - since)}: ${reason}.`,
  )
  const phase =
    stop === undefined
      ? 'It was still starting'
      : `It was in the phase '${stop.phase}', and waited for ${waitsText(stop.phase, stop.waitsFor)}`
  return `${phase}.${down.join('')}`
}
