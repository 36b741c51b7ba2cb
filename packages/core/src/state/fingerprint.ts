import { structuredCodec } from '../codec/structured-codec.ts'
import { durationText, type EventTime } from '../record/time.ts'
import type { ExpiryClock, TimeToLive } from './time-to-live.ts'

/**
 * The meaning of a part's state, as plain data.
 *
 * Every manifest contains it. A start compares it with the program before it restores anything, so that state
 * is never misread. It is defined where the state is: in an operator, a window assigner, an aggregate, a
 * connector.
 */
export interface Fingerprint {
  readonly pieces: readonly StatePiece[]
  readonly settings: readonly StateSetting[]
}

/** One named piece of a part's state, and its codec. */
export interface StatePiece {
  /**
   * `state`: state that an operator stores under a name; a program without it is rejected. `aggregate`: a
   * field of a window's results, which a program may add and remove.
   */
  readonly role: 'state' | 'aggregate'
  readonly name: string
  /** The structure or meaning of the values: "value", "map", "sum". */
  readonly kind: string
  /** Increased when values of this kind change their meaning. An integer from 1. */
  readonly version: number
  /** Id and version of the codec. A newer version reads what an older one wrote. */
  readonly codec: string
  readonly codecVersion: number
  /** The clock by which its values expire. Absent: they do not expire. */
  readonly expiresBy?: ExpiryClock
}

/** A fact that all state of a part depends on: the size of its windows, the encoding of its keys. */
export interface StateSetting {
  /** For people: "window size". */
  readonly name: string
  readonly value: string | number | boolean
  /** `ms`: the value is a time span in milliseconds. */
  readonly unit?: 'ms'
  /**
   * Whether state survives a change of the value. The operator then gets the values of earlier programs from
   * `OperatorContext.earlier`. Default: a change is rejected.
   */
  readonly mayChange?: true
  /**
   * The value does not concern state that exists, so it may change, appear and disappear. Says for people what becomes of
   * such state.
   */
  readonly whenChanged?: string
}

/** A value that a setting had in an earlier program. */
export interface EarlierSetting {
  readonly setting: string
  readonly value: StateSetting['value']
  /** The operator's watermark when the value changed. */
  readonly until: EventTime
}

/** The fingerprint of an operator with only timers. */
export const noPieces: Fingerprint = { pieces: [], settings: [] }

/**
 * A piece of an operator's state.
 *
 * @example
 * encoded by the structured codec
 */
export function statePiece(
  kind: string,
  piece: {
    readonly name: string
    readonly codec?: { readonly id: string; readonly version: number } | undefined
    readonly ttl?: TimeToLive | undefined
  },
): StatePiece {
  const { id, version } = piece.codec ?? structuredCodec()
  const expiry = piece.ttl === undefined ? {} : { expiresBy: piece.ttl.clock }
  return { role: 'state', name: piece.name, kind, version: 1, codec: id, codecVersion: version, ...expiry }
}

/**
 * Formats the value of a setting for people.
 *
 * @example
 * settingText({ name: 'window size', value: 60_000, unit: 'ms' }) // => '1m'
 */
export function settingText(setting: Pick<StateSetting, 'value' | 'unit'> | undefined): string {
  if (setting === undefined) return 'not set'
  const { value, unit } = setting
  return unit === 'ms' && typeof value === 'number' ? durationText(value) : String(value)
}
