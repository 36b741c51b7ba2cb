import type { Key } from '../record/key.ts'

/** How records travel from one node's subtasks to another's. */
export type Exchange =
  /** Stay in the same subtask. */
  | { readonly kind: 'forward' }
  /** To the subtask that owns the key. `by` is called more than once per record and must be pure. */
  | { readonly kind: 'key'; readonly by: (value: unknown) => Key }

/** An output of a task: leads to input number `input` of task `task`. */
export interface PortPlan {
  readonly task: number
  readonly input: number
  readonly exchange: Exchange
}

/** A task as the wiring sees it. */
export interface WiredTask {
  readonly index: number
  readonly ports: readonly PortPlan[]
  /** How many input ports lead here. */
  readonly inputs: number
}
