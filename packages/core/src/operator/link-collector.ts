import type { EventTime } from '../record/time.ts'
import type { Collector } from './operator.ts'
import type { Receiver } from './receiver.ts'
import { behindTap, type Tap, type TapPlace } from './tap.ts'

/** The operator whose output a collector passes on. */
interface Emitting {
  /** Event time of the record or timer being handled. */
  readonly time: EventTime
  readonly place: TapPlace
  emit(target: Receiver, value: unknown, time: EventTime): void
}

/** Passes one output of an operator to its targets. */
export class LinkCollector implements Collector<unknown> {
  readonly output: string
  readonly #link: Emitting
  /** What gets the output while nothing taps it. */
  readonly #plain: Receiver
  #target: Receiver

  constructor(link: Emitting, target: Receiver, output: string) {
    this.output = output
    this.#link = link
    this.#plain = target
    this.#target = target
  }

  tap(tap: Tap | undefined): void {
    this.#target = behindTap(this.#plain, tap, this.#link.place)
  }

  emit(value: unknown): void {
    this.#link.emit(this.#target, value, this.#link.time)
  }

  emitAt(time: EventTime, value: unknown): void {
    this.#link.emit(this.#target, value, time)
  }
}
