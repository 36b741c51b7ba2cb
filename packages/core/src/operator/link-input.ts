import type { EventTime } from '../record/time.ts'
import type { Receiver } from './receiver.ts'

/** What handles the records of several inputs. */
export interface SeveralInputs {
  receiveFrom(input: number, value: unknown, time: EventTime): void
}

/** One input of an operator that has several. */
export class LinkInput implements Receiver {
  readonly #link: SeveralInputs
  readonly #input: number

  constructor(link: SeveralInputs, input: number) {
    this.#link = link
    this.#input = input
  }

  receive(value: unknown, time: EventTime): void {
    this.#link.receiveFrom(this.#input, value, time)
  }
}
