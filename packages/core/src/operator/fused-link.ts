import type { EventTime } from '../record/time.ts'
import type { Cursor } from './cursor.ts'
import type { FailurePolicy } from './failure-policy.ts'
import type { PartFrame } from '../disk/profiler.ts'
import { changesNumber, fuse, fuseFramed, type GuardedStep, type Step, type StepCursor } from './fuse.ts'
import type { PartFlow, Receiver } from './receiver.ts'

/** A step of a chain and what to do with a record on which it fails. */
export interface StepPart {
  readonly step: Step
  readonly policy: FailurePolicy
}

/** Neighbouring stateless steps of a chain, run as one call. */
export class FusedLink implements Receiver {
  #run: (value: unknown, time: EventTime) => void
  /** What runs while no profile is made. */
  readonly #plain: (value: unknown, time: EventTime) => void
  readonly #target: Receiver
  readonly #at: StepCursor
  readonly #steps: readonly GuardedStep[]
  #received = 0
  readonly #policies: readonly FailurePolicy[]
  readonly #cursor: Cursor

  constructor(parts: readonly StepPart[], cursor: Cursor, target: Receiver) {
    this.#policies = parts.map(({ policy }) => policy)
    this.#cursor = cursor
    this.#target = target
    this.#at = { step: 0, passed: new Float64Array(parts.length) }
    this.#steps = parts.map(({ step, policy }) => ({
      step,
      reject: policy.leavesOut
        ? (thrown: unknown, value: unknown, time: EventTime) => policy.handle(thrown, cursor, value, time)
        : undefined,
    }))
    this.#plain = fuse(this.#steps, target, this.#at, cursor)
    this.#run = this.#plain
  }

  /** The records of each step so far. */
  *flows(): Iterable<PartFlow> {
    let recordsIn = this.#received
    for (const [i, step] of this.#steps.entries()) {
      const recordsOut = changesNumber(step) ? this.#at.passed[i]! : recordsIn
      yield { operator: this.#policies[i]!.operator, recordsIn, recordsOut }
      recordsIn = recordsOut
    }
  }

  /** Gives each step a frame of its own in profiles, or takes it away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    const framed = isFramed ? fuseFramed(this.#steps, this.#target, this.#at, this.#cursor) : undefined
    this.#run = framed?.run ?? this.#plain
    if (framed === undefined) return []
    const { url } = framed
    const parts = this.#policies.map(({ operator }) => operator)
    // What a generator of flatMap does is done while it is iterated.
    const looping = this.#steps.findIndex(({ step }) => step.kind === 'flatMap')
    return [
      ...parts.map((part, n) => ({ url, functionName: `step${n}`, part })),
      { url, functionName: 'receive', part: parts[Math.max(0, looping)]! },
    ]
  }

  receive(value: unknown, time: EventTime): void {
    this.#received++
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
