import type { EventTime } from '../record/time.ts'
import type { Cursor } from './cursor.ts'
import type { FailurePolicy } from './failure-policy.ts'
import type { PartFrame } from '../disk/profiler.ts'
import {
  changesNumber,
  fuse,
  fuseFramed,
  nested,
  type GuardedStep,
  type Step,
  type StepCursor,
} from './fuse.ts'
import type { PartFlow, Receiver } from './receiver.ts'
import { placeAt, type PartOutput, type Tap, type TapPlace, type Tapped } from './tap.ts'
import { inSpan, isSampled, type Tracing } from './tracing.ts'

/** A step of a chain and what to do with a record on which it fails. */
export interface StepPart {
  readonly step: Step
  readonly policy: FailurePolicy
}

type Receive = (value: unknown, time: EventTime) => void

/** Neighbouring stateless steps of a chain, run as one call. */
export class FusedLink implements Receiver, Tapped {
  #run: Receive
  /** What runs while no profile is made and nothing taps a step. */
  readonly #plain: Receive
  /** The same for a record that is traced, step by step. */
  readonly #plainTraced: Receive | undefined
  readonly #tracing: Tracing | undefined
  /** Where the frames of the steps are while a profile is made. */
  #framesUrl: string | undefined
  /** By step: what sees the records that leave it. */
  readonly #taps = new Map<number, Receive>()
  readonly #place: TapPlace
  readonly #target: Receiver
  readonly #at: StepCursor
  readonly #steps: readonly GuardedStep[]
  #received = 0
  readonly #policies: readonly FailurePolicy[]
  readonly #cursor: Cursor

  /** `tracing` makes a span of each step for records that are traced; undefined: nothing is. */
  constructor(parts: readonly StepPart[], cursor: Cursor, target: Receiver, tracing?: Tracing) {
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
    this.#tracing = tracing
    this.#plainTraced = tracing && this.#inSpans(tracing)
    this.#run = this.#runOf(this.#plain, this.#plainTraced)
    this.#place = placeAt(cursor)
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
    this.#framesUrl = isFramed ? this.#framed()?.url : undefined
    this.#choose()
    const url = this.#framesUrl
    if (url === undefined) return []
    const parts = this.#policies.map(({ operator }) => operator)
    // What a generator of flatMap does is done while it is iterated.
    const looping = this.#steps.findIndex(({ step }) => step.kind === 'flatMap')
    return [
      ...parts.map((part, n) => ({ url, functionName: `step${n}`, part })),
      { url, functionName: 'receive', part: parts[Math.max(0, looping)]! },
    ]
  }

  /** Lets `tap` see what leaves a step; undefined: nothing does any more. */
  tap({ part, output }: PartOutput, tap: Tap | undefined): void {
    const step = output === 'main' ? this.#policies.findIndex(({ operator }) => operator === part) : -1
    if (step < 0) return
    if (tap === undefined) this.#taps.delete(step)
    else this.#taps.set(step, (value, time) => tap(value, time, this.#place))
    this.#choose()
  }

  #framed(url?: string): ReturnType<typeof fuseFramed> {
    return fuseFramed(this.#steps, this.#target, this.#at, this.#cursor, { taps: this.#taps, url })
  }

  /** Runs what profiles and taps ask for, and what was there before where none does. */
  #choose(): void {
    const taps = this.#taps
    const tracing = this.#tracing
    const framed = this.#framesUrl === undefined ? undefined : this.#framed(this.#framesUrl)
    const traced = tracing !== undefined && taps.size > 0 ? this.#inSpans(tracing) : this.#plainTraced
    const untraced =
      taps.size > 0 ? fuse(this.#steps, this.#target, this.#at, this.#cursor, taps) : this.#plain
    this.#run = this.#runOf(framed?.run ?? untraced, traced)
  }

  #runOf(untraced: Receive, traced: Receive | undefined): Receive {
    if (traced === undefined) return untraced
    const cursor = this.#cursor
    return (value, time) => (isSampled(cursor.headers) ? traced : untraced)(value, time)
  }

  #inSpans(tracing: Tracing): Receive {
    const cursor = this.#cursor
    return nested(this.#steps, this.#target, this.#at, cursor, {
      taps: this.#taps,
      around: (receive, step) => (value, time) => {
        const span = tracing.begin(this.#policies[step]!.operator, 'internal', cursor)
        if (span === undefined) receive(value, time)
        else inSpan(span, cursor, () => receive(value, time))
      },
    })
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
