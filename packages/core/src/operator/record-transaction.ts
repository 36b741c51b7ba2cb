import type { EventTime } from '../kernel/time.ts'
import type { Participant, Transaction } from '../state/transaction.ts'
import type { Receiver } from './receiver.ts'

/**
 * Everything that handling one record has done, until it is known whether the record counts: what was emitted, set
 * and counted waits here, and tables can take back what they have changed.
 *
 * One for each operator whose policy may leave a record out. Open only while `process` runs.
 */
export class RecordTransaction implements Transaction {
  #isOpen = false
  readonly #participants: Participant[] = []
  readonly #actions: (() => void)[] = []
  readonly #emissions: { readonly to: Receiver; readonly value: unknown; readonly time: EventTime }[] = []

  get isOpen(): boolean {
    return this.#isOpen
  }

  begin(): void {
    this.#isOpen = true
  }

  join(participant: Participant): void {
    this.#participants.push(participant)
  }

  /** Runs `action` once the record has been handled, in order. */
  whenHandled(action: () => void): void {
    this.#actions.push(action)
  }

  /** Hands `value` to `to` once the record has been handled, in order. */
  emit(to: Receiver, value: unknown, time: EventTime): void {
    this.#emissions.push({ to, value, time })
  }

  /** The record has been handled: keeps its changes, and then hands on what was emitted. */
  commit(): void {
    this.#isOpen = false
    try {
      for (const participant of this.#participants) participant.commit()
      for (const action of this.#actions) action()
      for (const { to, value, time } of this.#emissions) to.receive(value, time)
    } finally {
      this.#clear()
    }
  }

  /** The record failed: nothing of it remains. */
  rollback(): void {
    this.#isOpen = false
    for (const participant of this.#participants) participant.rollback()
    this.#clear()
  }

  #clear(): void {
    this.#participants.length = 0
    this.#actions.length = 0
    this.#emissions.length = 0
  }
}
