import { MIN_TIME, timeText } from '../record/time.ts'
import type { Manifest, WatermarkEntry } from './manifest.ts'

/**
 * What a start from the end of a run must tell: up to which time each operator had fired windows and timers only because
 * the input ended. Nothing for a checkpoint of another kind.
 */
export function endOfRunWarnings({ phase, checkpoint, watermarks }: Manifest): readonly string[] {
  if (phase !== 'finished') return []
  const early = watermarks.filter(hasFiredEarly)
  return [...new Set(early.map(({ operator }) => operator))].map((operator) => {
    const own = early.filter((entry) => entry.operator === operator)
    const firedTo = Math.max(...own.map((entry) => entry.firedTo!))
    const reached = Math.min(...own.map(({ watermark }) => watermark ?? MIN_TIME))
    const before = reached === MIN_TIME ? 'no event time' : `event time ${timeText(reached)}`
    return `checkpoint ${checkpoint} is the end of a run: '${operator}' had reached ${before}, and fired everything that was due up to ${timeText(firedTo)}. A new record in a window that fired so early makes another result for that window, from new records alone`
  })
}

function hasFiredEarly({ firedTo, watermark }: WatermarkEntry): boolean {
  return firedTo !== null && (watermark === null || firedTo > watermark)
}
