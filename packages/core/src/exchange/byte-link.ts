/**
 * Carries messages between two workers, in both directions, each in its order. One end belongs to each worker.
 *
 * Nothing here waits. A message that has no room is kept by the sending end and leaves as soon as there is some.
 */
export interface ByteLink {
  /** Sends a copy of the message. */
  send(message: Uint8Array): void
  /** Whether every message that was sent has left. While it has not, the other worker is behind. */
  readonly hasRoom: boolean
  /**
   * Passes on the messages that have arrived and sends what was kept, as far as there is room. The bytes of a message are valid during the call only. Cheap
   * when nothing is new.
   */
  pump(receive: (message: Uint8Array) => void): void
  /** Calls `wake` when `pump` may have news; never during a call of this end. */
  listen(wake: () => void): void
}
