import { sleep, Wakeup } from '@millrace/world'
import { isMillraceError } from '../errors/errors.ts'
import type { BreakerRules, RetryRules, SinkNode } from '../graph/node.ts'
import { mayRepeat, pauseAfter } from './backoff.ts'
import { Breaker } from './breaker.ts'
import type { TaskSurroundings } from './task.ts'

/** A sink whose system is down is tried until it works: the source waits, so nothing is lost and memory stays as it is. */
const defaultSinkRetry: RetryRules = {
  attempts: Infinity,
  firstDelayMs: 100,
  longestDelayMs: 5_000,
}

const defaultSinkBreaker: BreakerRules = { failures: 5, openMs: 5_000 }

/** What the calls of one sink subtask need. */
interface SinkCallsParts {
  readonly node: Pick<SinkNode, 'name' | 'retry' | 'breaker'>
  readonly subtask: number
  readonly around: Pick<TaskSurroundings, 'platform' | 'cancellation' | 'outages'>
}

/**
 * Makes the calls of one subtask of a sink, one at a time, and repeats those that fail because its system cannot be
 * reached. Meanwhile the task takes no input, so the sources pause.
 */
export class SinkCalls {
  readonly #parts: SinkCallsParts
  readonly #retry: RetryRules
  readonly #breaker: Breaker
  readonly #wakeup = new Wakeup()
  #isDown = false

  constructor(parts: SinkCallsParts) {
    const { node, subtask, around } = parts
    const { outages } = around
    this.#parts = parts
    this.#retry = node.retry ?? defaultSinkRetry
    this.#breaker = new Breaker(node.breaker ?? defaultSinkBreaker, {
      clock: around.platform.clock,
      changed: (state) => outages.breaker(node.name, subtask, state),
      wake: () => this.#wakeup.wake(),
    })
    around.cancellation.onCancel(() => this.#wakeup.wake())
  }

  /** Rejects with an error that a repetition cannot help, with the last one when retries are used up, or when the job ends. */
  async make<T>(call: () => Promise<T> | T): Promise<T> {
    const { clock, random } = this.#parts.around.platform
    const { signal } = this.#parts.around.cancellation
    let failures = 0
    let failingSince = 0
    for (;;) {
      this.#breaker.began()
      try {
        const result = await call()
        this.#succeeded()
        return result
      } catch (error) {
        if (!this.#isRepeatable(error) || signal.aborted) throw error
        if (failures++ === 0) failingSince = clock.monotonic()
        const pauseMs = pauseAfter(failures, this.#retry, random)
        if (!mayRepeat(failures, clock.monotonic() - failingSince, pauseMs, this.#retry)) throw error
        this.#failed(error)
        await sleep(clock, pauseMs, signal)
      }
      while (!this.#breaker.mayBegin) {
        await this.#wakeup.wait()
        signal.throwIfAborted()
      }
    }
  }

  end(): void {
    this.#breaker.end()
  }

  /** The sink says that a call may be repeated by the code, or the user does by `retryIf`. */
  #isRepeatable(error: unknown): boolean {
    return isMillraceError(error, 'UNAVAILABLE') || this.#retry.retryIf?.(error) === true
  }

  #failed(error: unknown): void {
    const { node, around } = this.#parts
    this.#isDown = true
    around.outages.down(node.name, this, error)
    this.#breaker.failed()
  }

  #succeeded(): void {
    this.#breaker.succeeded()
    if (!this.#isDown) return
    this.#isDown = false
    this.#parts.around.outages.up(this.#parts.node.name, this)
  }
}
