import type { EventTime } from '../kernel/time.ts'
import type { Cursor } from './cursor.ts'
import type { FailurePolicy } from './failure-policy.ts'
import { fuse, type Step, type StepCursor } from './fuse.ts'
import type { Receiver } from './receiver.ts'

/** Neighbouring stateless steps of a chain, run as one call. */
export class FusedLink implements Receiver {
  readonly #run: (value: unknown, time: EventTime) => void
  readonly #at: StepCursor = { step: 0 }
  readonly #policies: readonly FailurePolicy[]
  readonly #cursor: Cursor

  /** `policies[i]` is for `steps[i]`; several steps are fused only if each stops the task when it fails. */
  constructor(steps: readonly Step[], policies: readonly FailurePolicy[], cursor: Cursor, target: Receiver) {
    this.#policies = policies
    this.#cursor = cursor
    this.#run = fuse(steps, target, this.#at)
  }

  receive(value: unknown, time: EventTime): void {
    try {
      this.#run(value, time)
    } catch (thrown) {
      this.#policies[this.#at.step]!.handle(thrown, this.#cursor, value, time)
    }
  }
}

/** A flatMap whose failures are set aside must not have emitted half of a record's results. */
export function allOrNothing(step: Step): Step {
  return step.kind === 'flatMap' ? { kind: 'flatMap', apply: (value) => Array.from(step.apply(value)) } : step
}
