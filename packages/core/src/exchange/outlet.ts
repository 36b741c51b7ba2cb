import type { Wakeup } from '@millrace/world'
import type { Mark } from '../record/element.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { Port } from './port.ts'

/** The state of a task that its outlet needs. */
export interface OutletSurroundings {
  readonly cursor: Cursor
  readonly wakeup: Wakeup
  readonly signal: AbortSignal
  /**
   * Whether a barrier waits behind the current records. Then they are sent without credit: the task passes on
   * the records before the barrier instead of waiting for a slow consumer.
   */
  readonly isBarrierWaiting: () => boolean
  /** Says whether the task waits for room, for its metrics. */
  readonly times: { run(): void; wait(waiting: 'backPressured'): void }
}

/**
 * All outputs of one task. A task takes its next element only while there is space, and sends its output
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

  /** Sends the output. Returns a promise while there is no credit, otherwise undefined. */
  flush(): Promise<void> | undefined {
    return this.tryFlush() ? undefined : this.#waitAndFlush()
  }

  /** Sends the output as far as there is credit; true when nothing is left. */
  tryFlush(): boolean {
    return this.#send(this.#around.isBarrierWaiting())
  }

  /** Sends the output, with or without credit: a barrier comes next. */
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

  /** Sends the watermark that a restored task has already reached, before its first record. */
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
    const { wakeup, signal, times } = this.#around
    do {
      times.wait('backPressured')
      await wakeup.wait()
      times.run()
      signal.throwIfAborted()
    } while (!this.tryFlush())
  }
}
