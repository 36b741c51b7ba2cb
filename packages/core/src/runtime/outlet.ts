import type { Wakeup } from '@millrace/channels'
import type { Element } from '../kernel/element.ts'
import { MIN_TIME, type EventTime } from '../kernel/time.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { Port } from './port.ts'

/**
 * All outputs of one task. A task takes its next element only after what it has emitted has left, so at most one
 * batch per output waits outside the edges.
 */
export class Outlet {
  readonly ports: readonly Port[]
  readonly #cursor: Cursor
  readonly #wakeup: Wakeup
  readonly #signal: AbortSignal

  constructor(ports: readonly Port[], cursor: Cursor, wakeup: Wakeup, signal: AbortSignal) {
    this.ports = ports
    this.#cursor = cursor
    this.#wakeup = wakeup
    this.#signal = signal
  }

  /** Sends what was emitted. Something to await while there is no credit, otherwise undefined. */
  flush(): Promise<void> | undefined {
    return this.#tryFlush() ? undefined : this.#waitAndFlush()
  }

  /** Sends a mark on every output, behind everything emitted; call after `flush`. */
  mark(element: Exclude<Element, { kind: 'batch' }>): void {
    for (const port of this.ports) port.mark(element)
  }

  watermark(time: EventTime): void {
    this.mark({ kind: 'watermark', time })
  }

  /** Says where the task goes on, before its first record: a restored task has a watermark already. */
  begin(watermark: EventTime): void {
    if (watermark !== MIN_TIME) this.watermark(watermark)
  }

  #tryFlush(): boolean {
    let isEmpty = true
    for (const port of this.ports) {
      if (!port.flush()) isEmpty = false
    }
    if (isEmpty) this.#cursor.isFull = false
    return isEmpty
  }

  async #waitAndFlush(): Promise<void> {
    do {
      await this.#wakeup.wait()
      this.#signal.throwIfAborted()
    } while (!this.#tryFlush())
  }
}
