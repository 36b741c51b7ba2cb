import type { Wakeup } from '@millrace/world'
import type { Mark } from '../record/element.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { Port } from './port.ts'

/** What an outlet needs to know of its task. */
export interface OutletSurroundings {
  readonly cursor: Cursor
  readonly wakeup: Wakeup
  readonly signal: AbortSignal
  /**
   * Whether a barrier waits behind the records being handled. Then they leave without credit: the task passes on what
   * is in front of the barrier instead of waiting for a slow consumer.
   */
  readonly isBarrierWaiting: () => boolean
}

/**
 * All outputs of one task. A task takes its next element only while there is room, and sends what it has emitted
 * before it takes another, so at most one batch per output waits outside the edges.
 */
export class Outlet {
  readonly ports: readonly Port[]
  readonly #around: OutletSurroundings

  constructor(ports: readonly Port[], around: OutletSurroundings) {
    this.ports = ports
    this.#around = around
  }

  /** Whether every output has credit, so that the task may handle its next element. */
  get hasRoom(): boolean {
    for (const port of this.ports) if (!port.hasCredit) return false
    return true
  }

  /** How many records the task should emit at once at most, on any output. */
  get batchRecords(): number {
    let least = Number.POSITIVE_INFINITY
    for (const port of this.ports) least = Math.min(least, port.batchRecords)
    return least
  }

  /** Sends what was emitted. Something to await while there is no credit, otherwise undefined. */
  flush(): Promise<void> | undefined {
    return this.tryFlush() ? undefined : this.#waitAndFlush()
  }

  /** Sends what was emitted as far as there is credit; true when nothing is left. */
  tryFlush(): boolean {
    return this.#send(this.#around.isBarrierWaiting())
  }

  /** Sends what was emitted, with or without credit: a barrier comes next. */
  force(): void {
    for (const port of this.ports) port.force()
    this.#around.cursor.isFull = false
  }

  /** Sends a mark on every output, behind everything emitted; call after `flush`. */
  mark(element: Mark): void {
    for (const port of this.ports) port.mark(element)
  }

  watermark(time: EventTime): void {
    this.mark({ kind: 'watermark', time })
  }

  /** Sends the watermark a restored task has reached already, before its first record. */
  begin(watermark: EventTime): void {
    if (watermark !== MIN_TIME) this.watermark(watermark)
  }

  #send(mayOverdraw: boolean): boolean {
    let isEmpty = true
    for (const port of this.ports) {
      if (!port.flush(mayOverdraw)) isEmpty = false
    }
    if (isEmpty) this.#around.cursor.isFull = false
    return isEmpty
  }

  async #waitAndFlush(): Promise<void> {
    const { wakeup, signal } = this.#around
    do {
      await wakeup.wait()
      signal.throwIfAborted()
    } while (!this.tryFlush())
  }
}
