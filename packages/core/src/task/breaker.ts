import type { Clock } from '@millrace/world'
import type { BreakerRules } from '../graph/node.ts'
import type { BreakerState } from '../observe/outage.ts'

/** The dependencies of a breaker. */
export interface BreakerSurroundings {
  readonly clock: Clock
  /** Called with each new state. */
  changed(state: BreakerState): void
  /** Called when a call may begin that could not before. */
  wake(): void
}

/**
 * A circuit breaker: closed, it counts failures in a row; open, it lets no call begin for a while; half-open, it lets one
 * call try. (Michael Nygard, "Release It!".)
 *
 * Invariants between any two calls: while it is open no call begins, and while it is half-open one call runs.
 */
export class Breaker {
  readonly #rules: BreakerRules
  readonly #around: BreakerSurroundings
  #state: BreakerState = 'closed'
  #isProbing = false
  #inARow = 0
  #alarm: Disposable | undefined

  constructor(rules: BreakerRules, around: BreakerSurroundings) {
    this.#rules = rules
    this.#around = around
  }

  get mayBegin(): boolean {
    return this.#state === 'closed' || (this.#state === 'half-open' && !this.#isProbing)
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  began(): void {
    this.#isProbing = this.#state === 'half-open'
  }

  succeeded(): void {
    this.#inARow = 0
    if (this.#isProbing) this.#close()
  }

  /** The system answered, with an error that says nothing about the system. */
  answered(): void {
    if (this.#isProbing) this.#close()
  }

  failed(): void {
    this.#inARow++
    if (this.#state === 'open' || (this.#state === 'half-open' && !this.#isProbing)) return
    if (this.#state === 'closed' && this.#inARow < this.#rules.failures) return
    this.#isProbing = false
    this.#become('open')
    this.#alarm = this.#around.clock.schedule(this.#rules.openMs, () => {
      this.#become('half-open')
      this.#around.wake()
    })
  }

  end(): void {
    this.#alarm?.[Symbol.dispose]()
  }

  #close(): void {
    this.#isProbing = false
    this.#inARow = 0
    this.#become('closed')
    this.#around.wake()
  }

  #become(state: BreakerState): void {
    this.#state = state
    this.#around.changed(state)
  }
}
