import type { Clock } from '@millrace/world'
import { describeError, isMillraceError, maskLogins } from '@millrace/core'
import type { CheckpointFigures, JobEvent } from '@millrace/core/job'
import type { EventRow, LogRow } from '../contract/happenings.ts'
import type { CheckpointRow, CheckpointState, Failure, LogLevel } from '../contract/job.ts'
import { causeOf } from './checkpoint-cause.ts'
import { EventLog } from './event-log.ts'
import { Ring } from './ring.ts'

const linesKept = 5_000
const checkpointsKept = 500

/** Parts of an event that most events do not have. */
type Facts = Partial<Pick<EventRow, 'code' | 'docs' | 'checkpoint' | 'operator' | 'by' | 'asked'>>

/** What has happened to a job: its events, its checkpoints and the lines of its log, as many as are kept. */
export class Happenings {
  readonly events: EventLog = new EventLog()
  readonly lines: Ring<LogRow> = new Ring<LogRow>(linesKept)
  readonly checkpoints: Ring<CheckpointRow> = new Ring<CheckpointRow>(checkpointsKept)
  completed = 0
  aborted = 0
  restoredFrom: number | undefined
  checkpointEveryMs = 0
  failure: Failure | undefined
  outcome: 'finished' | 'stopped' | 'failed' | undefined
  /** Called with each new event and line. */
  readonly listeners: Set<(kind: 'event' | 'log', row: EventRow | LogRow) => void> = new Set()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Keeps an event of the job. `largest` lists the operators with most state. */
  take(event: JobEvent, largest: () => readonly CheckpointState[] = () => []): void {
    switch (event.kind) {
      case 'waitingForOwner':
        this.add('waitingForOwner', 'info', `waits for ${event.owner} to release the data directory`)
        return
      case 'started':
        this.restoredFrom = event.restoredFrom
        this.checkpointEveryMs = event.checkpointEveryMs
        this.add('started', 'info', startText(event.restoredFrom), { checkpoint: event.restoredFrom ?? null })
        return
      case 'checkpointCompleted':
        return this.#completed(event.figures, largest())
      case 'checkpointAbandoned':
        return this.#aborted(event.checkpoint, event.reason)
      case 'failed':
        return this.fail(event.error, event.restartInMs)
      case 'warning':
        this.add('warning', 'warning', event.message, { docs: event.docs ?? null })
        return
      case 'outage':
        this.add(
          'outage',
          'warning',
          `'${event.part}' waits, because its system cannot be reached: ${event.reason}`,
          {
            operator: event.part,
          },
        )
        return
      case 'recovered': {
        const seconds = Math.round(event.downMs / 1_000)
        this.add('recovered', 'info', `the system of '${event.part}' is reached again, after ${seconds} s`, {
          operator: event.part,
        })
        return
      }
      case 'breaker':
        this.add('breaker', 'debug', `the circuit breaker of '${event.part}' is ${event.state}`, {
          operator: event.part,
        })
        return
      case 'stopping':
        this.add('stopping', 'info', 'input is closed; the last checkpoint is being written')
        return
      case 'ended':
        this.outcome = event.outcome
        this.add('ended', event.outcome === 'failed' ? 'error' : 'info', `the job has ${event.outcome}`)
    }
  }

  /** Keeps the error of a job; `restartInMs` is undefined if it does not restart. */
  fail(error: unknown, restartInMs: number | undefined): void {
    const code = isMillraceError(error) ? error.code : null
    const docs = isMillraceError(error) ? (error.docs ?? null) : null
    const message = maskLogins(describeError(error))
    this.failure = { code, message, docs, at: this.#clock.now() }
    const next = restartInMs === undefined ? '' : `; it starts again in ${restartInMs} ms`
    this.add('failed', 'error', `${message}${next}`, { code, docs })
  }

  /** Adds an event that did not come from the job. */
  add(kind: EventRow['kind'], level: LogLevel, text: string, facts: Facts = {}): void {
    const none = { code: null, docs: null, checkpoint: null, operator: null, by: null, asked: null }
    const at = this.#clock.now()
    const shown = maskLogins(text)
    const row = this.events.add((id) => ({ id, at, kind, level, text: shown, ...none, ...facts }))
    for (const listener of this.listeners) listener('event', row)
  }

  /** Keeps a line of the log. */
  line(level: LogLevel, text: string): void {
    const shown = maskLogins(text)
    const row = this.lines.add((id) => ({ id, at: this.#clock.now(), level, text: shown }))
    for (const listener of this.listeners) listener('log', row)
  }

  #completed(figures: CheckpointFigures, largest: readonly CheckpointState[]): void {
    const { checkpoint, durationMs, alignAndEncodeMs, completedAt, bytes, slowest } = figures
    this.completed++
    const row: CheckpointRow = {
      checkpoint,
      outcome: 'completed',
      kind: 'checkpoint',
      at: completedAt,
      durationMs,
      alignAndEncodeMs,
      bytes,
      reason: null,
      slowest,
      cause: causeOf(figures).text,
      largest,
    }
    this.checkpoints.add(() => row)
    this.add('checkpointCompleted', 'debug', `checkpoint ${checkpoint} took ${Math.round(durationMs)} ms`, {
      checkpoint,
    })
  }

  #aborted(checkpoint: number, reason: string): void {
    this.aborted++
    const none = { durationMs: 0, alignAndEncodeMs: null, bytes: null, slowest: [], cause: null, largest: [] }
    const at = this.#clock.now()
    this.checkpoints.add(() => ({
      checkpoint,
      outcome: 'aborted',
      kind: 'checkpoint',
      at,
      reason,
      ...none,
    }))
    this.add('checkpointAborted', 'warning', `checkpoint ${checkpoint} was aborted: ${reason}`, {
      checkpoint,
    })
  }
}

function startText(restoredFrom: number | undefined): string {
  return restoredFrom === undefined
    ? 'the job runs from the beginning'
    : `the job runs from checkpoint ${restoredFrom}`
}
