import { describeError, describeValue, MillraceError, printableLine } from '@millrace/core'
import type { Batch, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { TextOutput } from './text-output.ts'

/** Options for printing records. */
export interface WriteLinesOptions<T> {
  /**
   * Formats a record as one or more lines. Default: a string as it is, anything else as JSON. Control
   * characters in the result are escaped.
   */
  readonly format?: (value: T) => string
}

/** Writes a line for each record at once. */
export class TextSink<T> implements Sink<T> {
  readonly kind = 'console'
  readonly guarantee = 'at-least-once'
  readonly needsMainThread = true
  readonly #output: TextOutput
  readonly #lineOf: (value: T) => string

  constructor(output: TextOutput, { format }: WriteLinesOptions<T>) {
    this.#output = output
    this.#lineOf = format === undefined ? defaultLine : (value) => printableLines(format(value))
  }

  open(): Promise<SinkWriter<T>> {
    return Promise.resolve(new TextWriter(this.#output, this.#lineOf))
  }
}

class TextWriter<T> implements SinkWriter<T> {
  readonly #output: TextOutput
  readonly #lineOf: (value: T) => string
  /** Whether the reader of the output has closed it. Later output is discarded. */
  #isClosed = false
  #bytesWritten = 0

  constructor(output: TextOutput, lineOf: (value: T) => string) {
    this.#output = output
    this.#lineOf = lineOf
  }

  /** In UTF-8. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    if (this.#isClosed) return
    let text = ''
    for (let i = 0; i < batch.length; i++) {
      try {
        text += `${this.#lineOf(batch.values[i]!)}\n`
      } catch (error) {
        reject(i, error)
      }
    }
    if (text === '') return
    this.#bytesWritten += Buffer.byteLength(text)
    let outcome: 'written' | 'closed'
    try {
      outcome = await this.#output.write(text)
    } catch (cause) {
      const message = `the output cannot be written (${describeError(cause)})`
      throw new MillraceError('SINK_FAILED', message, { cause })
    }
    if (outcome === 'closed') this.#readerHasGone()
  }

  /** Nothing to do: each write is awaited until it has left the process. */
  prepare(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Stops the job, as for `millrace run x.ts | head`. */
  #readerHasGone(): void {
    this.#isClosed = true
    if (this.#output.requestStop()) return
    throw new MillraceError(
      'SINK_FAILED',
      'the reader of the output has closed it, and the program has no SIGTERM listener to stop the job. Add one, or keep the reader open',
    )
  }
}

/** Keeps the line ends of text of several lines. */
function printableLines(text: string): string {
  return text.split('\n').map(printableLine).join('\n')
}

function defaultLine(value: unknown): string {
  if (typeof value === 'string') return printableLine(value)
  return printableLine(describeValue(value, Number.MAX_SAFE_INTEGER) ?? String(value))
}
