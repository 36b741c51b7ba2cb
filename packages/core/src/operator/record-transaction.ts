import type { RecordHeaders } from '../record/headers.ts'
import type { EventTime } from '../record/time.ts'
import type { Participant, Transaction } from '../state/transaction.ts'
import type { HeaderPlace } from './fuse.ts'
import type { Receiver } from './receiver.ts'

/** A deferred effect: a value to pass on, or a call. */
type Effect =
  | {
      readonly to: Receiver
      readonly value: unknown
      readonly time: EventTime
      readonly headers: RecordHeaders | undefined
    }
  | (() => void)

/**
 * All effects of handling one record, until it is known whether the record counts: output, timers and counts
 * are deferred here, and tables can undo their changes.
 *
 * One for each operator whose policy may skip a record. Open only while `process` runs.
 */
export class RecordTransaction implements Transaction {
  #isOpen = false
  readonly #participants: Participant[] = []
  /** Both are filled up to their count and never shortened, which is cheaper per record. */
  readonly #actions: (Effect | undefined)[] = []
  readonly #emissions: (Effect | undefined)[] = []
  #actionCount = 0
  #emissionCount = 0
  readonly #place: HeaderPlace

  constructor(place: HeaderPlace) {
    this.#place = place
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  begin(): void {
    this.#isOpen = true
  }

  join(participant: Participant): void {
    this.#participants.push(participant)
  }

  /** Runs `action` once the record has been handled, in order, and before any output is passed on. */
  whenHandled(action: () => void): void {
    this.#actions[this.#actionCount++] = action
  }

  /** Passes `value` to `to` once the record has been handled, in order, with the headers that are set now. */
  emit(to: Receiver, value: unknown, time: EventTime): void {
    this.#emissions[this.#emissionCount++] = { to, value, time, headers: this.#place.headers }
  }

  /** Commits: keeps the record's changes, and then passes on its output. Returns how many values that is. */
  commit(): number {
    this.#isOpen = false
    const [actions, emissions] = [this.#actionCount, this.#emissionCount]
    this.#actionCount = 0
    this.#emissionCount = 0
    for (const participant of this.#participants) participant.commit()
    const { headers } = this.#place
    for (let i = 0; i < actions; i++) this.#perform(taken(this.#actions, i))
    for (let i = 0; i < emissions; i++) this.#perform(taken(this.#emissions, i))
    this.#place.headers = headers
    return emissions
  }

  #perform(effect: Effect): void {
    if (typeof effect === 'function') return effect()
    this.#place.headers = effect.headers
    effect.to.receive(effect.value, effect.time)
  }

  /** Rolls back: undoes all effects of the record. */
  rollback(): void {
    this.#isOpen = false
    for (const participant of this.#participants) participant.rollback()
    for (let i = 0; i < this.#actionCount; i++) taken(this.#actions, i)
    for (let i = 0; i < this.#emissionCount; i++) taken(this.#emissions, i)
    this.#actionCount = 0
    this.#emissionCount = 0
  }
}

/** Clears a slot, so that a value is not kept longer than its record. */
function taken(effects: (Effect | undefined)[], index: number): Effect {
  const effect = effects[index]!
  effects[index] = undefined
  return effect
}
