import type { Wakeup } from '@millrace/world'
import { MillraceError } from '../errors/errors.ts'
import type { InputLimit } from '../exchange/input-limit.ts'
import type { AsyncNode, CallScope } from '../graph/node.ts'
import { noHeaders } from '../record/headers.ts'
import { durationText } from '../record/time.ts'
import type { TaskMetrics } from '../observe/metrics.ts'
import type { BreakerState } from '../observe/outage.ts'
import type { AsyncCall, AsyncCalls, Outcome } from './async-calls.ts'
import type { Tracing } from '../operator/tracing.ts'
import { CallPolicy } from './call-policy.ts'
import type { TaskSurroundings } from './task.ts'
import { tracingOf } from './task-tracing.ts'

/** The dependencies of a call runner. */
export interface CallRunnerParts {
  readonly node: AsyncNode
  readonly subtask: number
  readonly around: TaskSurroundings
  readonly calls: AsyncCalls
  readonly limit: InputLimit
  readonly wakeup: Wakeup
  readonly metrics: TaskMetrics
  /** Called when a call has failed that counts as an attempt. */
  readonly attempted: (call: AsyncCall) => void
}

/** Makes the calls of a `mapAsync`, and repeats failed ones according to its policy. */
export class CallRunner {
  readonly #parts: CallRunnerParts
  readonly #policy: CallPolicy
  readonly #scope: CallScope
  readonly #tracing: Tracing | undefined
  /** The pauses of calls that will be repeated. */
  readonly #pauses = new Set<Disposable>()

  constructor(parts: CallRunnerParts) {
    this.#parts = parts
    const { clock, random } = parts.around.platform
    this.#scope = { clock }
    this.#tracing = tracingOf(parts.around, parts.subtask)
    this.#policy = new CallPolicy(parts.node, {
      clock,
      random,
      share: 1 / parts.around.parallelism,
      changed: (state, error) => this.#breakerChanged(state, error),
      wake: () => parts.wakeup.wake(),
    })
  }

  /** Begins calls for one slice; true if more may begin. */
  begin(): boolean {
    const { around, calls, limit } = this.#parts
    while (this.#policy.mayBegin) {
      const call = calls.begin()
      if (call === undefined) return false
      if (!call.hasBegun) call.edge?.release(1)
      call.hasBegun = true
      this.#policy.began()
      limit.begin()
      this.#run(call)
      if (around.budget.spend()) return true
    }
    return false
  }

  end(): void {
    this.#policy.end()
    for (const pause of this.#pauses) pause[Symbol.dispose]()
  }

  #breakerChanged(state: BreakerState, error: unknown): void {
    const { node, around, subtask } = this.#parts
    const { outages } = around
    if (state === 'open') outages.down(node.name, this, error)
    outages.breaker(node.name, subtask, state)
    if (state === 'closed') outages.up(node.name, this)
  }

  #run(call: AsyncCall): void {
    const { node, around, calls, limit, wakeup } = this.#parts
    let isSettled = false
    call.span = this.#tracing?.begin(node.name, 'client', call)
    const settle = (outcome: Outcome): void => {
      if (isSettled) return
      isSettled = true
      if ('thrown' in outcome) call.span?.fail(outcome.thrown)
      call.span?.end()
      if (!this.#retry(call, outcome)) calls.settle(call, withFallback(node, call.value, outcome))
      limit.done(1, calls.running === 0)
      wakeup.wake()
    }
    // A function that throws before its first await fails its record like one that rejects.
    void Promise.resolve()
      .then(() => hedgedCall(node, around, { value: call.value, headers: call.carried }, this.#scope))
      .then(
        (result) => settle({ result }),
        (thrown: unknown) => settle({ thrown }),
      )
  }

  /** Whether a call that has ended is repeated. */
  #retry(call: AsyncCall, outcome: Outcome): boolean {
    if (!('thrown' in outcome)) {
      this.#policy.succeeded()
      return false
    }
    const { node, around, calls, wakeup, metrics, attempted } = this.#parts
    // What fails while the system is known to be down says nothing about the record.
    const now = around.platform.clock.now()
    if (!this.#policy.isDown) {
      call.attempts++
      call.failingSince ??= now
      if (node.retry !== undefined) attempted(call)
    }
    const delayMs = this.#policy.failed(outcome.thrown, {
      attempts: call.attempts,
      sinceMs: now - (call.failingSince ?? now),
    })
    if (delayMs === undefined || around.cancellation.signal.aborted) return false
    metrics.count(node.name, 'retried', 1)
    calls.pause(call)
    const pause = around.platform.clock.schedule(delayMs, () => {
      this.#pauses.delete(pause)
      calls.resume(call)
      wakeup.wake()
    })
    this.#pauses.add(pause)
    return true
  }
}

/** The outcome of a record whose calls have ended: that of its fallback, if they have failed and it has one. */
function withFallback({ fallback }: AsyncNode, value: unknown, outcome: Outcome): Outcome {
  if (fallback === undefined || !('thrown' in outcome)) return outcome
  try {
    return { result: fallback(value, outcome.thrown) }
  } catch (thrown) {
    return { thrown }
  }
}

/** What a call is made for. */
type CalledRecord = Pick<AsyncCall, 'value' | 'headers'>

type CallSurroundings = Pick<TaskSurroundings, 'cancellation' | 'platform'>

/**
 * Makes a call, and a second one if it takes longer than `hedgeMs`. The first to succeed gives the result, and the
 * other is aborted. (Dean and Barroso, "The Tail at Scale", 2013.)
 */
function hedgedCall(
  node: AsyncNode,
  around: CallSurroundings,
  record: CalledRecord,
  scope: CallScope,
): Promise<unknown> {
  const { hedgeMs } = node
  if (hedgeMs === undefined) return timedCall(node, around, record, scope)
  const both = around.cancellation.child()
  return new Promise((resolve, reject) => {
    let running = 0
    const end = (settle: () => void): void => {
      both.cancel(undefined)
      settle()
    }
    const begin = (): void => {
      running++
      timedCall(node, { ...around, cancellation: both }, record, scope).then(
        (result) => end(() => resolve(result)),
        (error: Error) => {
          if (--running === 0) end(() => reject(error))
        },
      )
    }
    const alarm = around.platform.clock.schedule(hedgeMs, begin)
    both.onCancel(() => alarm[Symbol.dispose]())
    begin()
  })
}

/**
 * Calls the function of a `mapAsync` for one value. Each call has its own signal, which aborts with the job and after
 * the timeout.
 */
async function timedCall(
  { apply, timeoutMs, name }: AsyncNode,
  around: CallSurroundings,
  { value, headers = noHeaders }: CalledRecord,
  scope: CallScope,
): Promise<unknown> {
  const cancellation = around.cancellation.child()
  try {
    const { signal } = cancellation
    if (timeoutMs === undefined) return await apply(value, signal, scope, headers)
    const expired = new Promise<never>((_, reject) => {
      cancellation.onCancel(() => reject(signal.reason as Error))
    })
    using _alarm = around.platform.clock.schedule(timeoutMs, () => {
      cancellation.cancel(
        new MillraceError(
          'OPERATOR_FAILED',
          `'${name}' took longer than ${durationText(timeoutMs)} for one record`,
        ),
      )
    })
    return await Promise.race([apply(value, signal, scope, headers), expired])
  } finally {
    cancellation.release()
  }
}
