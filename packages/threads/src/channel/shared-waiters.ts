import type { Waiter } from '@millrace/channels'

/** A task of this thread in line for a value. */
export type SharedReceiver<T> = Waiter<SharedReceiveEnding<T>>

/** A task of this thread in line with a value, already as bytes. */
export type SharedSender = Waiter<SharedSendEnding, Uint8Array>

/** How the wait of a receiver ends: it is taken out of the line, then one of these is called, once. */
export interface SharedReceiveEnding<in T> {
  deliver(waiter: Waiter, value: T): void
  /** The channel is closed and drained. */
  end(waiter: Waiter): void
  fail(waiter: Waiter, error: Error): void
}

/** How the wait of a sender ends: it is taken out of the line, then one of these is called, once. */
export interface SharedSendEnding {
  accept(waiter: Waiter): void
  refuse(waiter: Waiter, error: Error): void
}
