import type { HeaderColumn } from './headers.ts'
import type { EventTime } from './time.ts'

/**
 * A batch of records on an edge, as a struct of arrays.
 *
 * `watermarks[i]` is the watermark under which record `i` was emitted. It never decreases from one record to
 * the next. A task that handles record `i` first advances to `watermarks[i]`, so results do not depend on the
 * boundaries of batches. (Flink sends watermarks between records, so a timer's view depends on how the
 * network divides the stream.)
 *
 * The receiver owns a batch; a sent batch is not changed.
 */
export interface Batch<T = unknown> {
  /** Number of records; the arrays may be longer. */
  readonly length: number
  readonly values: readonly T[]
  /** Event time of each record; `NaN` on a stream without timestamps. */
  readonly times: Float64Array
  readonly watermarks: Float64Array
  /** The places of the records, if still known. */
  readonly origin: Origin | undefined
  /**
   * `originIndex[i]` is the index of record `i` in `origin`; absent when it is `i` itself; -1: emitted by a
   * timer.
   */
  readonly originIndex: Int32Array | undefined
  /** The headers of the records. Absent if none has any. */
  readonly headers?: HeaderColumn | undefined
}

/** The origin of a batch of records; used only after an error. */
export interface Origin {
  /** The name of the source in the pipeline. */
  readonly source: string
  readonly split: string
  /** The split for people, such as the path of a file. Default: `split`. */
  readonly splitLabel?: string
  /** The place of record `index`, for people: "line 17, byte 1234". */
  place(index: number): string
  /** The original bytes of record `index`, if the source still has them. */
  raw(index: number): Uint8Array | undefined
  /** How often record `index` was redriven from the dead letters. Absent: never. */
  redrives?(index: number): number
}

/**
 * An element of an edge: records, or a mark.
 *
 * Marks keep their place among the records. A watermark `time` promises that no later record is older than
 * `time`. `idle` says that this input has no more data for now, so that tasks need not wait for it; `active`
 * revokes that. A barrier divides the stream into "before" and "after" one checkpoint. `end` says that no
 * more records follow and event time has ended; barriers may still follow.
 */
export type Element<T = unknown> =
  | { readonly kind: 'batch'; readonly batch: Batch<T> }
  | { readonly kind: 'watermark'; readonly time: EventTime }
  | { readonly kind: 'idle' }
  | { readonly kind: 'active' }
  | { readonly kind: 'barrier'; readonly checkpoint: number }
  | { readonly kind: 'end' }

/** Any element but a batch. It keeps its place among the batches and needs no credit. */
export type Mark = Exclude<Element, { kind: 'batch' }>
