import type { ChainTarget } from '../operator/chain-part.ts'
import type { PartFrame } from '../disk/profiler.ts'
import { MillraceError } from '../errors/errors.ts'
import { receiverOf } from '../exchange/port.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
import { Chain } from '../operator/chain.ts'
import type { Cursor } from '../operator/cursor.ts'
import { FailurePolicy } from '../operator/failure-policy.ts'
import type { PartFlow, Receiver } from '../operator/receiver.ts'
import { inSpan, type Tracing } from '../operator/tracing.ts'
import type { SourceTaskPlan } from '../plan/plan.ts'
import type { SplitWatermarks } from '../time/split-watermarks.ts'
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
export class SourceHead {
  /** Decides what happens to bytes that are no record. */
  readonly policy: FailurePolicy
  /** Where records enter. */
  readonly receiver: Receiver
  readonly #plan: SourceTaskPlan
  readonly #parts: SourceHeadParts
  readonly #tracing: Tracing | undefined
  readonly #stamp: Stamp | undefined
  readonly #steps: Chain

  constructor(plan: SourceTaskPlan, parts: SourceHeadParts) {
    this.#plan = plan
    this.#parts = parts
    this.#tracing = tracingOf(parts.around, parts.subtask)
    const ports = [...parts.ports]
    this.policy = this.#policyOf(plan.node.name, plan.node.onError.kind, plan.errors, ports)
    this.#stamp = plan.stamp && this.#makeStamp(plan.stamp, ports)
    if (this.#stamp !== undefined) ports.push(this.#stamp)
    this.#steps = this.#makeSteps(ports)
    this.receiver = this.#traced(this.#steps.head)
  }

  /** The records of each step, and of the stamp. */
  *flows(): Iterable<PartFlow> {
    yield* this.#steps.flows()
    if (this.#stamp !== undefined) yield this.#stamp.flow
  }

  /** Gives each step frames of its own in profiles, or takes them away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    return [...this.#steps.frameParts(isFramed), ...(this.#stamp?.frameParts(isFramed) ?? [])]
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
