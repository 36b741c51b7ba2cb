import type { Key } from '../record/key.ts'
import { keyGroup, subtaskOfGroup } from '../record/key-group.ts'
import { keyToken } from '../record/key-token.ts'

/** How records are routed between the subtasks of two nodes. */
export type Exchange =
  /** Stay in the same subtask. */
  | { readonly kind: 'forward' }
  /** To the subtask that owns the key. `by` is called more than once per record and must be pure. */
  | { readonly kind: 'key'; readonly by: (value: unknown) => Key }
  /** To every subtask. */
  | { readonly kind: 'broadcast' }

/** The subtask that owns the key of a record. */
export function subtaskOfRecord(
  value: unknown,
  by: (value: unknown) => Key,
  parallelism: number,
  keyGroups: number,
): number {
  let group: number
  try {
    group = keyGroup(keyToken(by(value)), keyGroups)
  } catch {
    // The operator after the exchange calls the key selector again, fails in the same way and applies its error policy.
    return 0
  }
  return subtaskOfGroup(group, parallelism, keyGroups)
}

/** An output of a task: goes to input `input` of task `task`. */
export interface PortPlan {
  readonly task: number
  readonly input: number
  readonly exchange: Exchange
}

/** A task as the wiring uses it. */
export interface WiredTask {
  readonly index: number
  readonly ports: readonly PortPlan[]
  /** Number of its inputs. */
  readonly inputs: number
}
