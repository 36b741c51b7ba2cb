import type { EventTime } from '../record/time.ts'
import type { Participant, Transaction } from '../state/transaction.ts'
import type { Receiver } from './receiver.ts'

/** Something to do once a record has been handled: a value to hand on, or a call. */
type Effect = { readonly to: Receiver; readonly value: unknown; readonly time: EventTime } | (() => void)

/**
 * Everything that handling one record has done, until it is known whether the record counts: what was emitted, set
 * and counted waits here, and tables can take back what they have changed.
 *
 * One for each operator whose policy may leave a record out. Open only while `process` runs.
 */
export class RecordTransaction implements Transaction {
  #isOpen = false
  readonly #participants: Participant[] = []
  /** Both are filled up to their count and never shortened: that is cheaper for each record than arrays that are. */
  readonly #actions: (Effect | undefined)[] = []
  readonly #emissions: (Effect | undefined)[] = []
  #actionCount = 0
  #emissionCount = 0

  get isOpen(): boolean {
    return this.#isOpen
  }

  begin(): void {
    this.#isOpen = true
  }

  join(participant: Participant): void {
    this.#participants.push(participant)
  }

  /** Runs `action` once the record has been handled, in order, and before anything is handed on. */
  whenHandled(action: () => void): void {
    this.#actions[this.#actionCount++] = action
  }

  /** Hands `value` to `to` once the record has been handled, in order. */
  emit(to: Receiver, value: unknown, time: EventTime): void {
    this.#emissions[this.#emissionCount++] = { to, value, time }
  }

  /** The record has been handled: keeps its changes, and then hands on what was emitted. */
  commit(): void {
    this.#isOpen = false
    const [actions, emissions] = [this.#actionCount, this.#emissionCount]
    this.#actionCount = 0
    this.#emissionCount = 0
    for (const participant of this.#participants) participant.commit()
    for (let i = 0; i < actions; i++) perform(taken(this.#actions, i))
    for (let i = 0; i < emissions; i++) perform(taken(this.#emissions, i))
  }

  /** The record failed: nothing of it remains. */
  rollback(): void {
    this.#isOpen = false
    for (const participant of this.#participants) participant.rollback()
    for (let i = 0; i < this.#actionCount; i++) taken(this.#actions, i)
    for (let i = 0; i < this.#emissionCount; i++) taken(this.#emissions, i)
    this.#actionCount = 0
    this.#emissionCount = 0
  }
}

/** Takes an effect out of its place, so that a value is not kept longer than its record. */
function taken(effects: (Effect | undefined)[], index: number): Effect {
  const effect = effects[index]!
  effects[index] = undefined
  return effect
}

function perform(effect: Effect): void {
  if (typeof effect === 'function') effect()
  else effect.to.receive(effect.value, effect.time)
}
