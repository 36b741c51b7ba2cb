import type { EventTime } from './time.ts'

/**
 * Records on their way along an edge, as a struct of arrays.
 *
 * `watermarks[i]` is the watermark under which record `i` was emitted. It never falls from one record
 * to the next, and makes results independent of where one batch ends and the next begins: whoever
 * handles record `i` first advances to `watermarks[i]`. (Flink sends watermarks between records, so there
 * what a timer sees depends on how the network cut the stream.)
 *
 * A batch belongs to whoever received it; nobody changes one that was sent.
 */
export interface Batch<T = unknown> {
  /** How many records there are; the arrays may be longer. */
  readonly length: number
  readonly values: readonly T[]
  /** Event time of each record; `NaN` on a stream without timestamps. */
  readonly times: Float64Array
  readonly watermarks: Float64Array
  /** Where the records came from, if that is still known. */
  readonly origin: Origin | undefined
  /** `originIndex[i]` is the place of record `i` in `origin`; absent when it is `i` itself; -1: made by a timer. */
  readonly originIndex: Int32Array | undefined
}

/** Where a batch of records came from; asked only when something went wrong with one of them. */
export interface Origin {
  /** The name of the source in the pipeline. */
  readonly source: string
  readonly split: string
  /** The place of record `index`, for people: "line 17, byte 1234". */
  place(index: number): string
  /** The bytes of record `index` as they were read, if the source still has them. */
  raw(index: number): Uint8Array | undefined
}

/**
 * Everything that can travel along an edge: data, and the marks that give data its meaning.
 *
 * Marks keep their place among the records. A watermark `time` promises that no record behind it is
 * older than `time`. `idle` says that this input has caught up and is quiet, so that nobody needs to
 * wait for it; `active` takes that back. A barrier cuts the stream into "before" and "after" one
 * checkpoint. `end` says that no more records come and time is over; barriers may still come.
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
