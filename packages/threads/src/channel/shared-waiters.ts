import type { Waiter } from '@millrace/channels'

/** A task of this thread that waits for a value. */
export type SharedReceiver<T> = Waiter<SharedReceiveEnding<T>>

/** A task of this thread that waits to send a value, already encoded. */
export type SharedSender = Waiter<SharedSendEnding, Uint8Array>

/** The end of a receiver's wait: it is removed from the queue, then one of these is called, once. */
export interface SharedReceiveEnding<in T> {
  deliver(waiter: Waiter, value: T): void
  /** The channel is closed and drained. */
  end(waiter: Waiter): void
  fail(waiter: Waiter, error: Error): void
}

/** The end of a sender's wait: it is removed from the queue, then one of these is called, once. */
export interface SharedSendEnding {
  accept(waiter: Waiter): void
  refuse(waiter: Waiter, error: Error): void
}
