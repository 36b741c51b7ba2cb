import { MillraceError, type EventTime } from '@millrace/core'
import type { OrderedMapState } from '@millrace/core/operator'
import type { Boxed } from './folding-state.ts'

/** The versions of a value for each key, by the event time from which each is valid. */
export interface VersionedState<T> {
  /** The value that was valid at `time`; undefined if there was none, or if its version is no longer kept. */
  getAsOf(time: EventTime): T | undefined
  /** The newest version. */
  latest(): T | undefined
  /** Says that `value` is valid from `time` on, until the next version. */
  set(value: T, time: EventTime): void
  /** Says that there is no value from `time` on, until the next version. */
  delete(time: EventTime): void
  clear(): void
}

/** A version: a value, or none from that time on. */
export type Version<T> = Boxed<T> | null

/**
 * Invariant after each change: of the versions that begin at or before `watermark - retention` only the last one
 * is kept, because it is the one that is valid then.
 */
export class Versioned<T> implements VersionedState<T> {
  readonly #versions: OrderedMapState<EventTime, Version<T>>
  readonly #retentionMs: number
  readonly #watermark: () => EventTime

  constructor(
    versions: OrderedMapState<EventTime, Version<T>>,
    retentionMs: number,
    watermark: () => EventTime,
  ) {
    this.#versions = versions
    this.#retentionMs = retentionMs
    this.#watermark = watermark
  }

  getAsOf(time: EventTime): T | undefined {
    const own = this.#versions.get(time)
    if (own !== undefined) return own?.value
    return this.#first(this.#versions.rangeBackward({ to: time }))?.value
  }

  latest(): T | undefined {
    return this.#first(this.#versions.rangeBackward({}))?.value
  }

  set(value: T, time: EventTime): void {
    this.#put({ value }, time)
  }

  delete(time: EventTime): void {
    this.#put(null, time)
  }

  clear(): void {
    this.#versions.clear()
  }

  #put(version: Version<T>, time: EventTime): void {
    if (!Number.isFinite(time)) {
      throw new MillraceError(
        'TIMESTAMP_INVALID',
        `a version was given the time ${time}; give a finite number`,
      )
    }
    this.#versions.set(time, version)
    const oldest = this.#watermark() - this.#retentionMs
    // The last version at or before `oldest` is valid then.
    for (const [from, kept] of this.#versions.rangeBackward({ to: oldest + 1 })) {
      if (from > oldest) continue
      this.#versions.deleteRange({ to: from })
      // Nothing is valid before the first version anyway.
      if (kept === null) this.#versions.delete(from)
      return
    }
  }

  #first(versions: Iterable<readonly [EventTime, Version<T>]>): Version<T> | undefined {
    for (const [, version] of versions) return version
    return undefined
  }
}
