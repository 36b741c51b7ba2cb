import type { EventRow } from '@millrace/control/metrics'

/**
 * What receives the events of a job: a logger of `@opentelemetry/api-logs`, which is not imported, because its API may
 * still change.
 */
export interface EventLogger {
  emit(record: {
    readonly eventName: string
    readonly timestamp: number
    readonly severityNumber: number
    readonly severityText: string
    readonly body: string
    readonly attributes: Readonly<Record<string, string | number>>
  }): void
}

/** The numbers that OpenTelemetry has for levels. */
const severities = { debug: 5, info: 9, warning: 13, error: 17 } as const

/** Sends an event of a job to a logger. */
export function logEvent(logger: EventLogger, job: string, row: EventRow): void {
  const { at, kind, level, text, code, checkpoint, operator, by, asked } = row
  logger.emit({
    eventName: `millrace.${kind}`,
    timestamp: at,
    severityNumber: severities[level],
    severityText: level,
    body: text,
    attributes: {
      'millrace.job': job,
      ...(code === null ? {} : { 'millrace.code': code }),
      ...(checkpoint === null ? {} : { 'millrace.checkpoint.number': checkpoint }),
      ...(operator === null ? {} : { 'millrace.operator': operator }),
      ...(by === null ? {} : { 'millrace.role': by }),
      ...(asked === null ? {} : { 'millrace.asked': asked }),
    },
  })
}
