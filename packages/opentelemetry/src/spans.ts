import {
  diag,
  SpanStatusCode,
  trace,
  ROOT_CONTEXT,
  type Attributes,
  type Exception,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { describeError, maskLogins } from '@millrace/core'
import type { CheckpointFigures, Job, JobEvent } from '@millrace/core/job'

/**
 * Makes spans of the events of a job. Each start, each restart and each checkpoint is a trace of its own, because a job
 * that runs for months cannot be one trace.
 *
 * Events come when something is over, so most spans are made then, with the times at which they began and ended.
 */
export class JobSpans implements Disposable {
  readonly #tracer: Tracer
  readonly #job: Job
  readonly #attributes: Attributes
  /** The start or restart that is under way. */
  #starting: Span | undefined

  constructor(tracer: Tracer, job: Job, name: string) {
    this.#tracer = tracer
    this.#job = job
    this.#attributes = { 'millrace.job': name }
    this.#starting = this.#span('millrace.start', { from: this.#now })
    job.ended
      .then((result) => (result.outcome === 'failed' ? this.#failStart(result.error) : this.#endStart()))
      .catch((error: unknown) => diag.error(describeError(error)))
  }

  /** Ends the span of a start that is under way. */
  [Symbol.dispose](): void {
    this.#endStart()
  }

  take(event: JobEvent): void {
    switch (event.kind) {
      case 'started':
        if (event.restoredFrom !== undefined)
          this.#starting?.setAttribute('millrace.checkpoint.restored', event.restoredFrom)
        return this.#endStart()
      case 'failed':
        this.#failStart(event.error)
        this.#starting = this.#span('millrace.restart', { from: this.#now })
        this.#starting.recordException(exceptionOf(event.error), this.#now)
        return
      case 'checkpointCompleted':
        this.#completed(event.figures).catch((error: unknown) => diag.error(describeError(error)))
        return
      case 'checkpointAbandoned': {
        const span = this.#checkpoint(event.checkpoint, this.#now - event.ranMs)
        span.setStatus({ code: SpanStatusCode.ERROR, message: event.reason })
        return span.end(this.#now)
      }
      default:
    }
  }

  get #now(): number {
    return this.#job.options.platform.clock.now()
  }

  #endStart(): void {
    this.#starting?.end(this.#now)
    this.#starting = undefined
  }

  /** A start that has not been completed has failed. */
  #failStart(error: unknown): void {
    this.#starting?.setStatus({ code: SpanStatusCode.ERROR, message: describeError(error) })
    this.#endStart()
  }

  #checkpoint(checkpoint: number, from: number): Span {
    return this.#span('millrace.checkpoint', {
      from,
      attributes: { 'millrace.checkpoint.number': checkpoint },
    })
  }

  /** The manifest is published; what is left is that sinks commit. */
  async #completed({ checkpoint, completedAt, durationMs, ...figures }: CheckpointFigures): Promise<void> {
    const from = completedAt - durationMs
    const encodedAt = from + figures.alignAndEncodeMs
    const whole = this.#checkpoint(checkpoint, from)
    whole.setAttribute('millrace.checkpoint.bytes', figures.bytes)
    for (const { task, subtask, alignedMs, encodeMs } of figures.slowest) {
      const attributes = { 'millrace.task': task, 'millrace.subtask': String(subtask) }
      const alignedAt = from + alignedMs
      this.#span('millrace.checkpoint.align', { from, attributes, within: whole }).end(alignedAt)
      const encoded = { from: alignedAt, attributes, within: whole }
      this.#span('millrace.checkpoint.encode', encoded).end(alignedAt + encodeMs)
    }
    this.#span('millrace.checkpoint.persist', { from: encodedAt, within: whole }).end(completedAt)
    const commit = this.#span('millrace.checkpoint.commit', { from: completedAt, within: whole })
    try {
      await this.#job.committed(checkpoint)
    } catch (error) {
      const status = { code: SpanStatusCode.ERROR, message: describeError(error) }
      commit.setStatus(status)
      whole.setStatus(status)
    }
    commit.end(this.#now)
    whole.end(this.#now)
  }

  #span(
    name: string,
    {
      from,
      attributes = {},
      within,
    }: { readonly from: number; readonly attributes?: Attributes; readonly within?: Span },
  ): Span {
    const context = within === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, within)
    const all = { ...this.#attributes, ...attributes }
    return this.#tracer.startSpan(name, { startTime: from, attributes: all }, context)
  }
}

/** An error without the logins of addresses, which errors of clients like to quote. */
function exceptionOf(error: unknown): Exception {
  const message = describeError(error)
  if (!(error instanceof Error)) return { name: 'Error', message }
  const { name, stack } = error
  return { name, message, ...(stack !== undefined && { stack: maskLogins(stack) }) }
}
