import type { CarriedError } from './carried-error.ts'

/** What a pool tells a worker. A worker is told to run a call only while it runs none. */
export type ToWorker =
  | { readonly kind: 'run'; readonly call: number; readonly name: string; readonly argument: unknown }
  /** Whoever waits for the call does not any more. */
  | { readonly kind: 'abort'; readonly call: number; readonly reason: CarriedError }

/** What a worker tells its pool. */
export type FromWorker =
  /** The user's module is loaded. Comes once, first. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'returned'; readonly call: number; readonly value: unknown }
  | { readonly kind: 'threw'; readonly call: number; readonly error: CarriedError }
