import type { CLOSED, EMPTY, ReceiveChannel, Received, SendChannel } from './channel-end.ts'
import type { SendProgress } from './send-progress.ts'
import type { SelectCase } from './select-case.ts'

/**
 * One direction of a channel, as a separate object.
 *
 * The types suffice for typed callers; these objects also stop casts and plain JavaScript.
 */

/** The receiving direction. */
export class ReceiveOnly<T> implements ReceiveChannel<T> {
  readonly #channel: ReceiveChannel<T>

  constructor(channel: ReceiveChannel<T>) {
    this.#channel = channel
  }

  get length(): number {
    return this.#channel.length
  }

  get capacity(): number {
    return this.#channel.capacity
  }

  receive(signal?: AbortSignal): Promise<Received<T>> {
    return this.#channel.receive(signal)
  }

  tryReceive(): T | typeof EMPTY | typeof CLOSED {
    return this.#channel.tryReceive()
  }

  receiveMany(max: number, signal?: AbortSignal): Promise<T[]> {
    return this.#channel.receiveMany(max, signal)
  }

  values(signal?: AbortSignal): AsyncIterableIterator<T, undefined, undefined> {
    return this.#channel.values(signal)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined> {
    return this.#channel.values()
  }

  receiveCase(): SelectCase<Received<T>> {
    return this.#channel.receiveCase()
  }
}

/** The sending direction. */
export class SendOnly<T> implements SendChannel<T> {
  readonly #channel: SendChannel<T>

  constructor(channel: SendChannel<T>) {
    this.#channel = channel
  }

  get length(): number {
    return this.#channel.length
  }

  get capacity(): number {
    return this.#channel.capacity
  }

  send(value: T, signal?: AbortSignal): Promise<void> {
    return this.#channel.send(value, signal)
  }

  trySend(value: T): boolean {
    return this.#channel.trySend(value)
  }

  sendMany(values: readonly T[], signal?: AbortSignal, progress?: SendProgress): Promise<void> {
    return this.#channel.sendMany(values, signal, progress)
  }

  close(): void {
    this.#channel.close()
  }

  sendCase(value: T): SelectCase {
    return this.#channel.sendCase(value)
  }
}
