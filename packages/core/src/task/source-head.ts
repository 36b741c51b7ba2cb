import type { DecodeFailure } from '../connect/source.ts'
import type { ChainTarget } from '../operator/chain-part.ts'
import type { PartFrame } from '../disk/profiler.ts'
import { MillraceError } from '../errors/errors.ts'
import { receiverOf } from '../exchange/port.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
import { Chain } from '../operator/chain.ts'
import type { Cursor } from '../operator/cursor.ts'
import { FailurePolicy } from '../operator/failure-policy.ts'
import type { PartFlow, Receiver } from '../operator/receiver.ts'
import { behindTap, placeAt, type PartOutput, type Tap, type Tapped } from '../operator/tap.ts'
import { inSpan, type Tracing } from '../operator/tracing.ts'
import type { SourceTaskPlan } from '../plan/plan.ts'
import type { SplitWatermarks } from '../time/split-watermarks.ts'
import { decodeError, placeOfFailure } from './split-feed.ts'
import { Stamp } from './stamp.ts'
import { tracingOf } from './task-tracing.ts'
import type { TaskSurroundings } from './task.ts'

/** The dependencies of what a source does with its records. */
export interface SourceHeadParts {
  readonly around: TaskSurroundings
  readonly subtask: number
  readonly metrics: TaskMetrics
  readonly cursor: Cursor
  readonly watermarks: SplitWatermarks
  readonly ports: readonly Receiver[]
  readonly warn: (message: string) => void
}

/** What happens to the records of one subtask of a source before they leave it: steps, then event times. */
export class SourceHead implements Tapped {
  /** Where records enter. Something else while they are tapped, so it is read for each batch. */
  receiver: Receiver
  readonly #plain: Receiver
  readonly #plan: SourceTaskPlan
  readonly #parts: SourceHeadParts
  readonly #tracing: Tracing | undefined
  readonly #stamp: Stamp | undefined
  readonly #steps: Chain
  readonly #policy: FailurePolicy

  constructor(plan: SourceTaskPlan, parts: SourceHeadParts) {
    this.#plan = plan
    this.#parts = parts
    this.#tracing = tracingOf(parts.around, parts.subtask)
    const ports = [...parts.ports]
    this.#policy = this.#policyOf(plan.node.name, plan.node.onError.kind, plan.errors, ports)
    this.#stamp = plan.stamp && this.#makeStamp(plan.stamp, ports)
    if (this.#stamp !== undefined) ports.push(this.#stamp)
    this.#steps = this.#makeSteps(ports)
    this.#plain = this.#traced(this.#steps.head)
    this.receiver = this.#plain
  }

  /** The records of each step, and of the stamp. */
  *flows(): Iterable<PartFlow> {
    yield* this.#steps.flows()
    if (this.#stamp !== undefined) yield this.#stamp.flow
  }

  /** Handles bytes of a split that are no record, as the error policy of the source says. */
  reject(split: string, failure: DecodeFailure): void {
    const { metrics, cursor } = this.#parts
    const place = placeOfFailure(this.#plan.name, split, failure)
    metrics.recordsIn++
    cursor.headers = failure.headers
    this.#policy.handle(decodeError(failure.error), place, undefined, Number.NaN)
  }

  /** Gives each step frames of its own in profiles, or takes them away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    return [...this.#steps.frameParts(isFramed), ...(this.#stamp?.frameParts(isFramed) ?? [])]
  }

  /** Lets `tap` see what leaves the source, a step or the stamp; undefined: nothing does any more. */
  tap(output: PartOutput, tap: Tap | undefined): void {
    const { cursor } = this.#parts
    if (output.part === this.#plan.name && output.output === 'main') {
      this.receiver = behindTap(this.#plain, tap, placeAt(cursor))
    }
    this.#steps.tap(output, tap)
    this.#stamp?.tap(output, tap)
  }

  /** The same with a span around each record that is traced. */
  #traced(receiver: Receiver): Receiver {
    const { cursor } = this.#parts
    const tracing = this.#tracing
    if (tracing === undefined) return receiver
    return {
      receive: (value, time) => {
        const span = tracing.begin(this.#plan.name, 'consumer', cursor)
        if (span === undefined) receiver.receive(value, time)
        else inSpan(span, cursor, () => receiver.receive(value, time))
      },
    }
  }

  #makeSteps(ports: readonly Receiver[]): Chain {
    const { around, cursor, subtask, metrics } = this.#parts
    const { pipeline, keyGroups } = around
    return new Chain([this.#plan.heads], {
      pipeline,
      subtask,
      keyGroups,
      cursor,
      budget: around.budget,
      ports,
      tracing: this.#tracing,
      now: () => this.#parts.around.platform.clock.now(),
      table: () => {
        throw new MillraceError('INTERNAL', 'a source task keeps no keyed state')
      },
      history: () => undefined,
      warn: (message) => around.warn(message),
      count: (operator, metric, by) => metrics.count(operator, metric, by),
    })
  }

  #makeStamp(plan: NonNullable<SourceTaskPlan['stamp']>, ports: readonly Receiver[]): Stamp {
    const { node } = plan
    return new Stamp({
      timestamps: node.timestamps,
      warn: this.#parts.warn,
      now: () => this.#parts.around.platform.clock.now(),
      watermarks: this.#parts.watermarks,
      cursor: this.#parts.cursor,
      policy: this.#policyOf(node.name, node.onError.kind, plan.errors, ports),
      target: receiverOf(plan.targets, ports),
    })
  }

  #policyOf(
    operator: string,
    kind: 'fail' | 'skip' | 'deadLetter',
    errors: readonly ChainTarget[],
    ports: readonly Receiver[],
  ): FailurePolicy {
    return new FailurePolicy({
      kind,
      operator,
      pipeline: this.#parts.around.pipeline,
      deadLetters: receiverOf(errors, ports),
      now: () => this.#parts.around.platform.clock.now(),
      count: (metric) => this.#parts.metrics.count(operator, metric, 1),
    })
  }
}
