import type { Received } from './channel-end.ts'
import type { ReceiveEnd, ReceiveEnding, SendEnd, SendEnding } from './hand-off.ts'
import type { Named, SelectCase, Selection } from './select-case.ts'
import { Waiter } from '../wait/wait-queue.ts'

/** A receive as a case of select. */
export class ReceiveCase<T> implements SelectCase<Received<T>> {
  readonly #end: ReceiveEnd<T>

  constructor(end: ReceiveEnd<T>) {
    this.#end = end
  }

  get waitsFor(): readonly [string, object] {
    return ['receive', this.#end]
  }

  isReady(): boolean {
    return this.#end.hasValue() || this.#end.isDrained()
  }

  perform(name: string): Named<Received<T>> {
    return this.#end.hasValue()
      ? { case: name, ok: true, value: this.#end.take() }
      : { case: name, ok: false, value: undefined }
  }

  park(name: string, selection: Selection<Named<Received<T>>>, again?: Disposable): Disposable {
    const waiter = isReceiver<T>(again) ? again : new Waiter(new SelectReceive<T>(name, selection), undefined)
    this.#end.parkReceiver(waiter)
    return waiter
  }
}

/** A send as a case of select. */
export class SendCase<T> implements SelectCase {
  readonly #end: SendEnd<T>
  readonly #value: T

  constructor(end: SendEnd<T>, value: T) {
    this.#end = end
    this.#value = value
  }

  get waitsFor(): readonly [string, object] {
    return ['send', this.#end]
  }

  isReady(): boolean {
    return this.#end.isClosed || this.#end.hasRoom()
  }

  perform(name: string): Named<unknown> {
    this.#end.offer(this.#value)
    return { case: name }
  }

  park(name: string, selection: Selection<Named<unknown>>, again?: Disposable): Disposable {
    const waiter = isSender<T>(again) ? again : new Waiter(new SelectSend(name, selection), this.#value)
    waiter.value = this.#value
    this.#end.parkSender(waiter)
    return waiter
  }
}

function isReceiver<T>(place: Disposable | undefined): place is Waiter<SelectReceive<T>> {
  return place instanceof Waiter && place.ending instanceof SelectReceive
}

function isSender<T>(place: Disposable | undefined): place is Waiter<SelectSend, T> {
  return place instanceof Waiter && place.ending instanceof SelectSend
}

class SelectReceive<T> implements ReceiveEnding<T> {
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
}

class SelectSend implements SendEnding {
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
