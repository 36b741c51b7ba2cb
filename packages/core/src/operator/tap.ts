import type { RecordHeaders } from '../record/headers.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { EventTime } from '../record/time.ts'
import type { Receiver } from './receiver.ts'

/** One output of a part of the pipeline. */
export interface PartOutput {
  readonly part: string
  readonly output: string
}

/** What is known of a record that leaves a part, besides its value and its time. */
export interface TapPlace {
  readonly headers: RecordHeaders | undefined
  /** The key under which the part emits it; undefined for a part without a key. */
  readonly key: KeyToken | undefined
}

/** The place at a task's cursor. `keyOf` is called when the key is read. */
export function placeAt(
  cursor: { readonly headers: RecordHeaders | undefined },
  keyOf: () => KeyToken | undefined = () => undefined,
): TapPlace {
  return {
    get headers() {
      return cursor.headers
    },
    get key() {
      return keyOf()
    },
  }
}

/** Sees each record that leaves an output of a part, before what follows gets it. It must not throw, and must not change it. */
export type Tap = (value: unknown, time: EventTime, place: TapPlace) => void

/** Something with outputs that can be tapped. */
export interface Tapped {
  /** Lets `tap` see what leaves an output of a part that runs here; undefined: nothing does any more. */
  tap(output: PartOutput, tap: Tap | undefined): void
}

class TappedReceiver implements Receiver {
  readonly #target: Receiver
  readonly #tap: Tap
  readonly #place: TapPlace

  constructor(target: Receiver, tap: Tap, place: TapPlace) {
    this.#target = target
    this.#tap = tap
    this.#place = place
  }

  receive(value: unknown, time: EventTime): void {
    this.#tap(value, time, this.#place)
    this.#target.receive(value, time)
  }
}

/** `target` behind a tap; without one the target itself, so that nothing of the tap is left. */
export function behindTap(target: Receiver, tap: Tap | undefined, place: TapPlace): Receiver {
  return tap === undefined ? target : new TappedReceiver(target, tap, place)
}
