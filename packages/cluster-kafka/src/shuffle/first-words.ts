import type { FeedListener, KafkaRecord } from '@millrace/connector-kafka/port'
import type { Senders } from './senders.ts'
import { readMessage } from './shuffle-message.ts'

/**
 * Looks for what each lease says first, and keeps no record. Until all leases have said how far they are, no record may be handed out:
 * a lease that has nothing to read says that it is idle, and a record of another one that is late must not be handled before.
 *
 * What a lease says first may be known before the records of others: no order is promised between leases.
 */
export class FirstWords implements FeedListener {
  readonly #senders: Senders
  readonly #done: (error?: unknown) => void
  #silent: ReadonlySet<number>

  /** Calls `done` once: when all have spoken, or with an error. */
  constructor(senders: Senders, done: (error?: unknown) => void) {
    this.#senders = senders
    this.#done = done
    this.#silent = new Set(senders.silent)
  }

  /** Whether all have spoken. */
  get isOver(): boolean {
    return this.#silent.size === 0
  }

  records(records: readonly KafkaRecord[]): void {
    if (this.isOver) return
    try {
      for (const { value } of records) this.#hear(value!)
    } catch (error) {
      this.failed(error)
      return
    }
    if (this.isOver) this.#done()
  }

  caughtUp(): void {}

  failed(error: unknown): void {
    if (this.isOver) return
    this.#silent = new Set()
    this.#done(error)
  }

  #hear(value: Uint8Array): void {
    const { sender, kind, watermark } = readMessage(value)
    if (!this.#silent.has(sender)) return
    this.#senders.progress(sender, kind === 'batch' ? 'active' : kind, watermark)
    this.#silent = new Set(this.#senders.silent)
  }
}
