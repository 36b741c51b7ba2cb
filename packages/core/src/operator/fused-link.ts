import type { EventTime } from '../record/time.ts'
import type { Cursor } from './cursor.ts'
import type { FailurePolicy } from './failure-policy.ts'
import { fuse, type Step, type StepCursor } from './fuse.ts'
import type { Receiver } from './receiver.ts'

/** A step of a chain and what to do with a record on which it fails. */
export interface StepPart {
  readonly step: Step
  readonly policy: FailurePolicy
}

/** Neighbouring stateless steps of a chain, run as one call. */
export class FusedLink implements Receiver {
  readonly #run: (value: unknown, time: EventTime) => void
  readonly #at: StepCursor = { step: 0 }
  readonly #policies: readonly FailurePolicy[]
  readonly #cursor: Cursor

  constructor(parts: readonly StepPart[], cursor: Cursor, target: Receiver) {
    this.#policies = parts.map(({ policy }) => policy)
    this.#cursor = cursor
    const steps = parts.map(({ step, policy }) => ({
      step,
      reject: policy.leavesOut
        ? (thrown: unknown, value: unknown, time: EventTime) => policy.handle(thrown, cursor, value, time)
        : undefined,
    }))
    this.#run = fuse(steps, target, this.#at)
  }

  receive(value: unknown, time: EventTime): void {
    try {
      this.#run(value, time)
    } catch (thrown) {
      const policy = this.#policies[this.#at.step]!
      // A step that skips failed records has handled its own errors: this one comes from later in the chain.
      if (policy.leavesOut) throw thrown
      policy.handle(thrown, this.#cursor, value, time)
    }
  }
}
