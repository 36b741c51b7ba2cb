import type { WindowAssigner } from './assigner.ts'

/** Windows of the clock, not of event time. */
export interface ClockWindows {
  readonly isByClock: true
  readonly assigner: WindowAssigner
  readonly description: string
  readonly fingerprint: WindowAssigner['fingerprint']
}

/**
 * Windows by the clock of the machine instead of event time: a record is in the windows that contain the time
 * at which it arrives. So results depend on when records arrive, no record is late, and the stream needs no
 * timestamps. At the end of the input all windows are emitted at once.
 *
 * @example
 * clicks.keyBy((click) => click.page).window(byClock(tumbling('1m'))).aggregate('per-minute', { n: count() })
 */
export function byClock(assigner: WindowAssigner): ClockWindows {
  const { kind, settings } = assigner.fingerprint
  return {
    isByClock: true,
    assigner,
    description: `${assigner.description} by the clock`,
    fingerprint: { kind: `${kind} by the clock`, settings },
  }
}
