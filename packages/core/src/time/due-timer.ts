import type { KeyToken } from '../record/key-token.ts'

/** Which clock a timer waits for: the watermark or the time of day. */
export type TimerDomain = 'event' | 'processing'

/** A timer that is due. */
export interface DueTimer {
  readonly domain: TimerDomain
  readonly time: number
  readonly name: string
  /** The key it was set for, or the current key of a sweep. */
  readonly token: KeyToken
  readonly group: number
  /** Whether it was set once for many keys. */
  readonly isSweep: boolean
}
