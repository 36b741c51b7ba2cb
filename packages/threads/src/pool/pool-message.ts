import type { CarriedError } from './carried-error.ts'

/** Messages from a pool to a worker. A call is sent only to an idle worker. */
export type ToWorker =
  | { readonly kind: 'run'; readonly call: number; readonly name: string; readonly argument: unknown }
  /** The caller no longer waits for the call. */
  | { readonly kind: 'abort'; readonly call: number; readonly reason: CarriedError }

/** Messages from a worker to its pool. */
export type FromWorker =
  /** The user's module is loaded. Sent once, first. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'returned'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'threw'; readonly call: number; readonly error: CarriedError }
