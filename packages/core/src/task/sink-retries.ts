import type { Wakeup } from '@millrace/world'
import type { SinkNode } from '../graph/node.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { Batch } from '../record/element.ts'
import type { EventTime } from '../record/time.ts'
import { recordsToRetry } from '../state/records-to-retry.ts'
import { KeptRecords } from './kept-records.ts'
import type { TaskSurroundings } from './task.ts'
import { batchOf, WaitingRoom, type WaitingEntry } from './waiting-room.ts'

/** The dependencies of the retries of a sink. */
interface SinkRetriesParts {
  readonly subtask: number
  readonly around: TaskSurroundings
  readonly cursor: Cursor
  readonly wakeup: Wakeup
}

/**
 * The retries of a sink; undefined if its policy has none. A sink that applies changes has none either: a later change of
 * the same key may have been written with the batch.
 */
export function sinkRetriesOf(node: SinkNode, parts: SinkRetriesParts): SinkRetries | undefined {
  const { onError, sink, name } = node
  if (onError.kind !== 'deadLetter' || onError.retry === undefined || 'applies' in sink) return undefined
  const { clock, random } = parts.around.platform
  const kept = new KeptRecords({ owner: name, keepsOrigin: true, spec: recordsToRetry, ...parts })
  return new SinkRetries(new WaitingRoom({ rules: onError.retry, kept, clock, random }), parts)
}

/** Keeps records that a sink has rejected, and writes them again in batches of their own. */
export class SinkRetries {
  readonly #room: WaitingRoom
  readonly #parts: SinkRetriesParts
  /** The records of the batch that is being written, if they were rejected before. */
  #trying: readonly WaitingEntry[] = []
  readonly #rejected = new Set<WaitingEntry>()
  #alarm: Disposable | undefined

  constructor(room: WaitingRoom, parts: SinkRetriesParts) {
    this.#room = room
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#room.isEmpty
  }

  get isFull(): boolean {
    return this.#room.isFull
  }

  async restore(): Promise<void> {
    const { budget } = this.#parts.around
    for (const _ of this.#room.restore(() => undefined)) if (budget.spend()) await budget.turn()
  }

  /** Called when the record at hand is rejected. True if it is written again later. */
  failed(thrown: unknown, value: unknown, time: EventTime, index: number): boolean {
    const entry = this.#trying[index]
    if (entry !== undefined) {
      if (!this.#room.again(entry, thrown)) return false
      this.#rejected.add(entry)
      return true
    }
    const { watermark, origin, originIndex, headers } = this.#parts.cursor
    const record = { value, time, watermark, key: undefined, origin, originIndex, headers, input: 0 }
    return this.#room.enter(record, thrown)
  }

  /** How many attempts at a record of the current batch have failed if this one does. */
  attemptsOf(index: number): number | undefined {
    const entry = this.#trying[index]
    return entry && entry.attempts + 1
  }

  /** Writes what is due; false if nothing is. */
  async write(act: (batch: Batch) => Promise<void>): Promise<boolean> {
    const due: WaitingEntry[] = []
    for (let next = this.#room.take(); next !== undefined; next = this.#room.take()) due.push(next)
    if (due.length === 0) return false
    // Each may have an origin of its own, and a batch has one.
    for (const entry of due) {
      this.#trying = [entry]
      this.#rejected.clear()
      try {
        await act(batchOf(entry))
      } finally {
        this.#trying = []
      }
      if (!this.#rejected.has(entry)) this.#room.leave(entry)
    }
    return true
  }

  /** Wakes the task when the next attempt is due. */
  setAlarm(): void {
    const { around, wakeup } = this.#parts
    const { clock } = around.platform
    this.#alarm?.[Symbol.dispose]()
    this.#alarm = undefined
    if (this.#room.nextAt === Infinity) return
    const inMs = Math.max(0, this.#room.nextAt - clock.monotonic())
    this.#alarm = clock.schedule(inMs, () => wakeup.wake())
  }

  end(): void {
    this.#alarm?.[Symbol.dispose]()
  }
}
