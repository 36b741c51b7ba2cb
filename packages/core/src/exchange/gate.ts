import type { Wakeup } from '@millrace/world'
import { BarrierAligner, type Alignment } from './barrier-aligner.ts'
import { assert } from '../errors/errors.ts'
import type { Batch } from '../record/element.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import { WatermarkMerger } from '../time/watermark-merger.ts'
import type { IncomingEdge } from './edge.ts'

/** The next element from all inputs of a task. */
export type Arrival =
  | {
      readonly kind: 'batch'
      readonly batch: Batch
      readonly watermarks: Float64Array
      /** Where its records came from and return their credit to. */
      readonly edge: IncomingEdge
    }
  | { readonly kind: 'watermark'; readonly time: EventTime }
  | { readonly kind: 'idle' }
  | { readonly kind: 'active' }
  | { readonly kind: 'barrier'; readonly checkpoint: number }
  /** Every input has ended: event time has ended, too. */
  | { readonly kind: 'end' }

/**
 * Combines the inputs of one task: merges their watermarks, aligns their barriers, and chooses the next
 * input.
 *
 * An input that has delivered a barrier is not read until the others have, so its records count as after the
 * checkpoint.
 *
 * A batch keeps its credit after `take`, until the task releases it.
 */
export class Gate {
  readonly #edges: readonly IncomingEdge[]
  /** Whether the job starts from the end of a run. */
  readonly #isAfterEnd: boolean
  /** The inputs that have delivered records. */
  readonly #delivering = new Set<number>()
  readonly #merger: WatermarkMerger
  readonly #aligner: BarrierAligner
  readonly #pending: Arrival[] = []
  #turn = 0
  #ended = 0
  /** The newest checkpoint that was cancelled, or 0. */
  #cancelled = 0
  #announced: EventTime = MIN_TIME
  #isIdle = false

  constructor(edges: readonly IncomingEdge[], wakeup: Wakeup, isAfterEnd = false) {
    this.#edges = edges
    this.#isAfterEnd = isAfterEnd
    this.#merger = new WatermarkMerger(edges.length)
    this.#aligner = new BarrierAligner(edges.length)
    for (const edge of edges) edge.attachConsumer(wakeup)
  }

  /** Whether a barrier waits in an input, or some inputs have delivered one and others have not. */
  get hasBarrier(): boolean {
    if (this.#aligner.pending !== undefined) return true
    for (const edge of this.#edges) if (edge.barrier > this.#cancelled) return true
    return false
  }

  /** Records that wait in all inputs together. */
  get queued(): number {
    let records = 0
    for (const edge of this.#edges) records += edge.queued
    return records
  }

  /** Limits the credit of all inputs together to about `records` records. */
  limit(records: number): void {
    for (const edge of this.#edges) edge.limit(Math.ceil(records / this.#edges.length))
  }

  /** Returns the credit of all taken records. */
  release(): void {
    for (const edge of this.#edges) edge.release()
  }

  /**
   * Processes what the inputs have announced before their first record, and passes it on as far as `pass`
   * accepts it. This is done before any task runs, so that the initial knowledge of sources reaches each task
   * before any record.
   *
   * After the end of a run an input that has no records raises no watermark, by being idle now or by ending later, until
   * another one delivers something: a run that finds nothing new leaves event time where the last one ended, whatever the
   * order in which its inputs end.
   */
  begin(pass: (arrival: Arrival) => boolean): void {
    const idle: number[] = []
    for (const [input, edge] of this.#edges.entries()) {
      while (!edge.isEmpty && edge.isAtMark) this.#handle(input, idle)
    }
    for (const input of idle) this.#merger.idle(input)
    this.#announceIdle()
    while (this.#pending.length > 0 && pass(this.#pending[0]!)) this.#pending.shift()
  }

  /** The next element, or undefined if there is none now. */
  take(): Arrival | undefined {
    for (;;) {
      const pending = this.#pending.shift()
      if (pending !== undefined) return pending
      const input = this.#choose()
      if (input < 0) return undefined
      this.#handle(input)
    }
  }

  /** Handles an aborted checkpoint: its blocked inputs continue. */
  cancel(checkpoint: number): void {
    this.#aligner.cancel(checkpoint)
    this.#cancelled = Math.max(this.#cancelled, checkpoint)
  }

  /**
   * Marks first: they are cheap, and a record must not be handled before known watermarks, idleness or ends
   * of other inputs. Batches are taken in turns.
   */
  #choose(): number {
    const count = this.#edges.length
    let withBatch = -1
    for (let i = 0; i < count; i++) {
      const input = (this.#turn + i) % count
      const edge = this.#edges[input]!
      if (edge.isEmpty || this.#aligner.isBlocked(input)) continue
      if (edge.isAtMark) return input
      if (withBatch < 0) withBatch = input
    }
    if (withBatch >= 0) this.#turn = (withBatch + 1) % count
    return withBatch
  }

  /** Handles the next element of an input. `idle`: those that are idle at the start. */
  #handle(input: number, idle?: number[]): void {
    assert(!this.#aligner.isBlocked(input), 'an input that has delivered the barrier stays untouched')
    const element = this.#edges[input]!.take()!
    switch (element.kind) {
      case 'batch':
        this.#batch(input, element.batch)
        return
      case 'watermark':
        this.#merger.advance(input, element.time)
        this.#announce()
        return
      case 'idle':
        if (this.#isAfterEnd && idle !== undefined) {
          idle.push(input)
          return
        }
        this.#merger.idle(input)
        this.#announce()
        return
      case 'active':
        this.#merger.active(input)
        this.#announce()
        return
      case 'barrier':
        this.#aligned(this.#aligner.barrier(input, element.checkpoint))
        return
      case 'end':
        this.#merger.end(input)
        if (++this.#ended === this.#edges.length) this.#pending.push({ kind: 'end' })
        else if (this.#isAfterEnd && !this.#delivering.has(input)) this.#announceIdle()
        else this.#announce()
    }
  }

  /** Converts watermarks of one input to watermarks of the task, record by record. */
  #batch(input: number, batch: Batch): void {
    if (this.#isAfterEnd) this.#delivering.add(input)
    let { watermarks } = batch
    if (this.#edges.length > 1) {
      const merged = new Float64Array(batch.length)
      for (let i = 0; i < batch.length; i++) merged[i] = this.#merger.advance(input, watermarks[i]!)
      watermarks = merged
    } else if (batch.length > 0) {
      this.#merger.advance(input, watermarks[batch.length - 1]!)
    }
    // The task itself follows the watermarks inside the batch.
    this.#announced = Math.max(this.#announced, this.#merger.current)
    this.#pending.push({ kind: 'batch', batch, watermarks, edge: this.#edges[input]! })
    if (this.#isIdle !== this.#merger.isIdle) this.#announce()
  }

  #announce(): void {
    if (this.#merger.current > this.#announced) {
      this.#announced = this.#merger.current
      this.#pending.push({ kind: 'watermark', time: this.#announced })
    }
    this.#announceIdle()
  }

  #announceIdle(): void {
    if (this.#merger.isIdle !== this.#isIdle) {
      this.#isIdle = this.#merger.isIdle
      this.#pending.push({ kind: this.#isIdle ? 'idle' : 'active' })
    }
  }

  #aligned(alignment: Alignment): void {
    if (alignment.kind === 'aligned') {
      this.#pending.push({ kind: 'barrier', checkpoint: alignment.checkpoint })
    }
  }
}
