import type { KeyToken } from './key-token.ts'

/** How many key groups a job has unless it says otherwise. It cannot change once there is state. */
export const defaultKeyGroups = 128

/** A contiguous range of key groups, both ends included. */
export interface KeyGroupRange {
  readonly first: number
  readonly last: number
}

export declare function keyGroup(token: KeyToken, groupCount: number): number
export declare function keyGroupRange(subtask: number, parallelism: number, groupCount: number): KeyGroupRange
export declare function subtaskOfGroup(group: number, parallelism: number, groupCount: number): number
