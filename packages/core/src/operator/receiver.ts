import type { EventTime } from '../record/time.ts'

/** Receives records inside a task: the next operator of a chain, an output, or several of them. */
export interface Receiver {
  receive(value: unknown, time: EventTime): void
}

/** The records that one part of a chain has received, and emitted on all its outputs. */
export interface PartFlow {
  readonly operator: string
  readonly recordsIn: number
  readonly recordsOut: number
}

/** Sends each record to several receivers, in order. */
class FanOut implements Receiver {
  readonly #receivers: readonly Receiver[]

  constructor(receivers: readonly Receiver[]) {
    this.#receivers = receivers
  }

  receive(value: unknown, time: EventTime): void {
    for (const receiver of this.#receivers) receiver.receive(value, time)
  }
}

const nowhere: Receiver = { receive: () => {} }

/** One receiver for any number of them. */
export function oneReceiver(receivers: readonly Receiver[]): Receiver {
  if (receivers.length === 0) return nowhere
  return receivers.length === 1 ? receivers[0]! : new FanOut(receivers)
}
