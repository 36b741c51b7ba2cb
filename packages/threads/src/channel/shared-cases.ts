import { EMPTY, Waiter } from '@millrace/channels'
import type { Named, Received, SelectCase, Selection } from '@millrace/channels'
import type { SharedHandOff } from './shared-hand-off.ts'
import type { SharedReceiveEnding, SharedSendEnding } from './shared-waiters.ts'

/** A receive from a channel between threads as a case of select. */
export class SharedReceiveCase<T> implements SelectCase<Received<T>> {
  readonly #handOff: SharedHandOff<T>

  constructor(handOff: SharedHandOff<T>) {
    this.#handOff = handOff
  }

  isReady(): boolean {
    return this.#handOff.hasValue() || this.#handOff.isOver
  }

  perform(name: string): Named<Received<T>> | undefined {
    const value = this.#handOff.takeOne()
    if (value !== EMPTY) return { case: name, ok: true, value }
    return this.#handOff.isDrained() ? { case: name, ok: false, value: undefined } : undefined
  }

  park(name: string, selection: Selection<Named<Received<T>>>): Disposable {
    const waiter = new Waiter(new SelectReceive(name, selection), undefined)
    this.#handOff.parkReceiver(waiter)
    return new Place(waiter, this.#handOff)
  }
}

/** A send to a channel between threads as a case of select. Its value was encoded when the case was made. */
export class SharedSendCase<T> implements SelectCase {
  readonly #handOff: SharedHandOff<T>
  readonly #bytes: Uint8Array

  constructor(handOff: SharedHandOff<T>, bytes: Uint8Array) {
    this.#handOff = handOff
    this.#bytes = bytes
  }

  isReady(): boolean {
    return this.#handOff.isEnded || this.#handOff.hasRoomFor(this.#bytes.length)
  }

  perform(name: string): Named<unknown> | undefined {
    return this.#handOff.offerPrepared(this.#bytes) ? { case: name } : undefined
  }

  park(name: string, selection: Selection<Named<unknown>>): Disposable {
    const waiter = new Waiter(new SelectSend(name, selection), this.#bytes)
    this.#handOff.parkSender(waiter)
    return new Place(waiter, this.#handOff)
  }
}

/** A node of a wait queue that notifies the queue when it is removed. */
class Place implements Disposable {
  readonly #waiter: Waiter
  readonly #line: { leave(): void }

  constructor(waiter: Waiter, line: { leave(): void }) {
    this.#waiter = waiter
    this.#line = line
  }

  [Symbol.dispose](): void {
    this.#waiter[Symbol.dispose]()
    this.#line.leave()
  }
}

class SelectReceive<T> implements SharedReceiveEnding<T> {
  readonly #name: string
  readonly #selection: Selection<Named<Received<T>>>

  constructor(name: string, selection: Selection<Named<Received<T>>>) {
    this.#name = name
    this.#selection = selection
  }

  deliver(_waiter: Waiter, value: T): void {
    this.#selection.settle({ case: this.#name, ok: true, value })
  }

  end(): void {
    this.#selection.settle({ case: this.#name, ok: false, value: undefined })
  }

  fail(_waiter: Waiter, error: Error): void {
    this.#selection.fail(error)
  }
}

class SelectSend implements SharedSendEnding {
  readonly #name: string
  readonly #selection: Selection<Named<unknown>>

  constructor(name: string, selection: Selection<Named<unknown>>) {
    this.#name = name
    this.#selection = selection
  }

  accept(): void {
    this.#selection.settle({ case: this.#name })
  }

  refuse(_waiter: Waiter, error: Error): void {
    this.#selection.fail(error)
  }
}
