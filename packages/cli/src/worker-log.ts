import type { WorkerEvent } from '@millrace/cluster-kafka'
import type { LogLines } from './log-lines.ts'
import { durationText } from './status-text.ts'

/** Writes what has happened in a worker. */
export function logWorker(lines: LogLines, event: WorkerEvent): void {
  switch (event.kind) {
    case 'joined': {
      const { workers } = event
      const count = workers === 1 ? 'the only worker' : `one of ${workers} workers`
      return lines.write('info', 'joined', `this is ${count}`, { workers })
    }
    case 'gained':
      return lines.write('info', 'gained', `lease ${event.lease}: gained`, { lease: event.lease })
    case 'releasing': {
      const text = `lease ${event.lease}: another worker is to have it; making a last checkpoint`
      return lines.write('info', 'releasing', text, { lease: event.lease })
    }
    case 'lease':
      return logStatus(lines, event)
    case 'leaseEnded': {
      const { lease, end } = event
      const text = `lease ${lease}: ${end.outcome}${end.outcome === 'lost' ? `: ${end.reason}` : ''}`
      return lines.write(end.outcome === 'lost' ? 'warning' : 'info', 'leaseEnded', text, {
        lease,
        outcome: end.outcome,
      })
    }
    case 'job':
      return logJob(lines, event)
    case 'removed': {
      const text = `the group has removed this worker: ${event.reason}. Its leases are stopped, and it joins again`
      return lines.write('warning', 'removed', text, { reason: event.reason })
    }
    case 'outage':
      return lines.write('warning', 'outage', `Kafka cannot be reached: ${event.reason}`)
    case 'recovered':
      return lines.write('info', 'recovered', 'Kafka can be reached again')
    case 'warning':
      return lines.write('warning', 'warning', event.message)
  }
}

function logStatus(lines: LogLines, { lease, status }: Extract<WorkerEvent, { kind: 'lease' }>): void {
  if (status.phase === 'running') {
    const { epoch } = status
    lines.write('info', 'running', `lease ${lease}: running, epoch ${epoch}`, { lease, epoch })
  } else if (status.phase === 'waiting') {
    const text = `lease ${lease}: opened again in ${durationText(status.reopensInMs)}: ${String(status.error)}`
    lines.write('warning', 'reopening', text, { lease })
  }
}

function logJob(lines: LogLines, { lease, event }: Extract<WorkerEvent, { kind: 'job' }>): void {
  if (event.kind === 'warning')
    lines.write('warning', 'warning', `lease ${lease}: ${event.message}`, { lease })
  else if (event.kind === 'failed' && event.restartInMs !== undefined) {
    const text = `lease ${lease}: failed, and restarts in ${durationText(event.restartInMs)}: ${String(event.error)}`
    lines.write('warning', 'failed', text, { lease })
  } else if (event.kind === 'outage') {
    const { part, reason } = event
    lines.write('warning', 'outage', `lease ${lease}: '${part}' waits for a system that is down: ${reason}`, {
      lease,
      part,
    })
  } else if (event.kind === 'recovered') {
    lines.write('info', 'recovered', `lease ${lease}: '${event.part}' works again`, {
      lease,
      part: event.part,
    })
  }
}
