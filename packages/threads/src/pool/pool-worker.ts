import { onAbort } from '@millrace/world'
import type { Waiter } from '@millrace/channels'
import { startWorker } from '../node-threads.ts'
import type { WorkerStart, WorkerThread } from '../node-threads.ts'
import { carry, unpack } from './carried-error.ts'
import type { FromWorker, ToWorker } from './pool-message.ts'
import type { WorkerEnd } from './worker-crash-error.ts'

/** A call of one of the functions in a worker. */
export interface PoolCall {
  readonly name: string
  readonly argument: unknown
  readonly signal: AbortSignal | undefined
}

/** A call and who waits for it. */
export type WaitingCall = Waiter<undefined, PoolCall>

/** What a worker reports to its pool. */
export interface PoolWorkerEvents {
  /** It is idle now: it has loaded its module, or finished a call. */
  onIdle(): void
  /** It has ended in the phase named; `call` is what it was running. Comes once, last. */
  onEnd(end: WorkerEnd, phase: WorkerPhase, call: WaitingCall | undefined): void
}

/** What a worker does. */
export type WorkerPhase = 'starting' | 'idle' | 'running' | 'ended'

/**
 * One worker thread of a pool: starting, then idle or running one call, then ended.
 *
 * A call whose signal aborts is over for whoever waits for it. The worker is told, but it is idle only when the
 * function has returned: nothing can take its thread away from it but the end of the thread.
 */
export class PoolWorker {
  readonly #thread: WorkerThread
  readonly #events: PoolWorkerEvents
  #phase: WorkerPhase = 'starting'
  #waiting: WaitingCall | undefined
  #call = 0

  constructor(start: WorkerStart, events: PoolWorkerEvents) {
    this.#events = events
    this.#thread = startWorker(start, {
      onMessage: (message) => this.#hear(message as FromWorker), // Only `serve` posts from this worker.
      onExit: (exitCode, error) => this.#end(exitCode, error),
    })
  }

  get phase(): WorkerPhase {
    return this.#phase
  }

  /**
   * Runs a call. The worker must be idle.
   *
   * An argument that cannot be cloned rejects the call, and the worker stays idle.
   */
  run(waiting: WaitingCall): void {
    const { name, argument, signal } = waiting.value
    const call = ++this.#call
    try {
      this.#post({ kind: 'run', call, name, argument })
    } catch (cause) {
      waiting.reject(
        new TypeError(
          `the argument of '${name}' cannot be sent to a worker: ${(cause as Error).message}; pass data without functions`,
          { cause },
        ),
      )
      return
    }
    this.#phase = 'running'
    this.#waiting = waiting
    if (signal === undefined) return
    waiting.hook = onAbort(signal, (reason) => {
      this.abort(reason)
      waiting.reject(reason)
    })
  }

  /** Tells the function that runs, if one does, that nobody waits for it any more. */
  abort(reason: Error): void {
    if (this.#phase === 'running') this.#post({ kind: 'abort', call: this.#call, reason: carry(reason) })
  }

  /** Whether the worker keeps this thread alive. */
  keepAlive(isNeeded: boolean): void {
    this.#thread.keepAlive(isNeeded)
  }

  /** Ends the thread, wherever it is, and waits for that. */
  kill(): Promise<void> {
    return this.#thread.kill()
  }

  #post(order: ToWorker): void {
    this.#thread.post(order)
  }

  #hear(news: FromWorker): void {
    const waiting = this.#waiting
    this.#phase = 'idle'
    this.#waiting = undefined
    waiting?.[Symbol.dispose]()
    if (news.kind === 'returned') waiting?.resolve(news.value)
    else if (news.kind === 'threw') waiting?.reject(unpack(news.error))
    this.#events.onIdle()
  }

  #end(exitCode: number, error: unknown): void {
    const waiting = this.#waiting
    const phase = this.#phase
    this.#phase = 'ended'
    this.#waiting = undefined
    waiting?.[Symbol.dispose]()
    this.#events.onEnd({ thread: this.#thread.thread, exitCode, error }, phase, waiting)
  }
}
