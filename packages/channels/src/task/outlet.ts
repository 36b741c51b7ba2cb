import { Channel } from '../channel/channel.ts'
import type { CLOSED, EMPTY, ReceiveChannel, Received, SendChannel } from '../channel/channel-end.ts'
import { ReceiveOnly } from '../channel/direction.ts'
import { ownChannel } from '../channel/own-channel.ts'
import { select } from '../channel/select.ts'
import type { Named, SelectCase, Selection } from '../channel/select-case.ts'
import { onAbort, refuseIfAborted, refused } from '@millrace/world'
import type { Scope } from './scope.ts'

/**
 * The receiving end of a channel that the tasks of a scope feed.
 *
 * It ends as those tasks end. When all values are sent, the channel is closed and the outlet is drained like any other.
 * When the scope is cancelled, each receive rejects with the reason: so a reader outside the scope neither waits
 * endlessly nor mistakes a failure for the end. Buffered values are then dropped.
 *
 * Tasks of the scope pass its signal. All others wait with the signal of its readers, so that the scope knows whether
 * one of them received its failure.
 */
export class Outlet<T> extends ReceiveOnly<T> {
  readonly #channel: Channel<T>
  readonly #tasks: AbortSignal
  readonly #readers: AbortSignal

  constructor(channel: Channel<T>, scope: Scope) {
    super(channel)
    this.#channel = channel
    this.#tasks = scope.signal
    this.#readers = scope.readersSignal
  }

  override receive(signal?: AbortSignal): Promise<Received<T>> {
    if (signal === undefined) return this.#channel.receive(this.#readers)
    if (signal === this.#tasks) return this.#channel.receive(signal)
    if (this.#readers.aborted) return refused(this.#readers)
    return this.#receiveUnder(signal)
  }

  override tryReceive(): T | typeof EMPTY | typeof CLOSED {
    refuseIfAborted(this.#readers)
    return this.#channel.tryReceive()
  }

  override receiveMany(max: number, signal?: AbortSignal): Promise<T[]> {
    if (signal === this.#tasks) return this.#channel.receiveMany(max, signal)
    // A bad `max` is refused there.
    if (signal === undefined || !(Number.isInteger(max) && max >= 1)) {
      return this.#channel.receiveMany(max, this.#readers)
    }
    if (this.#readers.aborted) return refused(this.#readers)
    return this.#receiveManyUnder(max, signal)
  }

  override values(signal?: AbortSignal): AsyncIterableIterator<T, undefined, undefined> {
    if (signal === undefined) return this.#channel.values(this.#readers)
    return signal === this.#tasks ? this.#channel.values(signal) : new OutletIterator(this, signal)
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined> {
    return this.values()
  }

  override receiveCase(): SelectCase<Received<T>> {
    return new OutletCase(this.#channel.receiveCase(), this.#readers)
  }

  async #receiveUnder(signal: AbortSignal): Promise<Received<T>> {
    const { ok, value } = await select({ next: this.receiveCase() }, { signal })
    return ok ? { ok, value } : { ok, value }
  }

  async #receiveManyUnder(max: number, signal: AbortSignal): Promise<T[]> {
    const { ok, value } = await select({ next: this.receiveCase() }, { signal })
    if (!ok) return []
    // What is buffered is taken during the call: no other task can run in between.
    return max > 1 && this.#channel.length > 0
      ? [value, ...(await this.#channel.receiveMany(max - 1))]
      : [value]
  }
}

/** An iteration over an outlet with a signal of the reader. */
class OutletIterator<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #outlet: Outlet<T>
  readonly #signal: AbortSignal
  /** Closed when the iteration is left: a waiting step then ends without a value. */
  readonly #left = ownChannel<never>(0)
  #hasLeft = false

  constructor(outlet: Outlet<T>, signal: AbortSignal) {
    this.#outlet = outlet
    this.#signal = signal
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#hasLeft) return { done: true, value: undefined }
    const step = { next: this.#outlet.receiveCase(), left: this.#left.receiveCase() }
    const { ok, value } = await select(step, { signal: this.#signal })
    return ok ? { done: false, value } : { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    if (!this.#hasLeft) this.#left.close()
    this.#hasLeft = true
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** A receive that is also ready, with the reason, once the scope is cancelled. */
class OutletCase<T> implements SelectCase<Received<T>> {
  readonly waitsFor?: readonly [kind: string, on: object]
  readonly #receive: SelectCase<Received<T>>
  readonly #signal: AbortSignal

  constructor(receive: SelectCase<Received<T>>, signal: AbortSignal) {
    this.#receive = receive
    this.#signal = signal
    if (receive.waitsFor !== undefined) this.waitsFor = receive.waitsFor
  }

  isReady(): boolean {
    return this.#signal.aborted || this.#receive.isReady()
  }

  perform(name: string): Named<Received<T>> | undefined {
    refuseIfAborted(this.#signal)
    return this.#receive.perform(name)
  }

  park(name: string, selection: Selection<Named<Received<T>>>): Disposable {
    const line = this.#receive.park(name, selection)
    const hook = onAbort(this.#signal, (reason) => selection.fail(reason))
    return {
      [Symbol.dispose]: () => {
        line[Symbol.dispose]()
        hook[Symbol.dispose]()
      },
    }
  }
}

/** A task that sends its values and returns. It does not close the channel. */
export type Feeder<T> = (out: SendChannel<T>, signal: AbortSignal) => Promise<void>

/** Starts the feeders as tasks of `scope`. Their common channel closes when the last one has returned. */
export function feed<T>(scope: Scope, feeders: readonly Feeder<T>[], capacity = 0): ReceiveChannel<T> {
  const channel = new Channel<T>(capacity)
  let feeding = feeders.length
  if (feeding === 0) channel.close()
  for (const feeder of feeders) {
    scope.go(async (signal) => {
      await feeder(channel, signal)
      feeding--
      if (feeding === 0) channel.close()
    })
  }
  return new Outlet(channel, scope)
}
