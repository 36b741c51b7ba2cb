import { onAbort } from '@millrace/world'
import type { Clock } from '@millrace/world'
import type { Waiter } from '@millrace/channels'
import { startWorker } from '../node-threads.ts'
import type { WorkerStart, WorkerThread } from '../node-threads.ts'
import { carry, unpack } from './carried-error.ts'
import type { FromWorker, ToWorker } from './pool-message.ts'
import type { WorkerEnd } from './worker-crash-error.ts'

/** A call of a function in a worker. */
export interface PoolCall {
  readonly name: string
  readonly argument: unknown
  readonly signal: AbortSignal | undefined
}

/** A call and the promise of its caller. */
export type WaitingCall = Waiter<undefined, PoolCall>

/** Events of a worker, for its pool. */
export interface PoolWorkerEvents {
  /** The worker is idle: it has loaded its module, or finished a call. */
  onIdle(): void
  /** The worker has ended in this phase; `call` is the call it was running. Called once, last. */
  onEnd(end: WorkerEnd, phase: WorkerPhase, call: WaitingCall | undefined): void
}

/** How long a function may still run after an abort, in milliseconds of `clock`. */
export interface Grace {
  readonly graceMs: number
  readonly clock: Clock
}

/** The phase of a worker. `overdue`: its function did not return within the grace after an abort, so it is killed. */
export type WorkerPhase = 'starting' | 'idle' | 'running' | 'overdue' | 'ended'

/**
 * One worker thread of a pool: starting, then idle or running one call, then ended.
 *
 * An aborted call is over for its caller. The worker is notified, but is idle only once the function has
 * returned. Only ending the thread can interrupt a function: that happens when the grace is over.
 */
export class PoolWorker {
  readonly #thread: WorkerThread
  readonly #events: PoolWorkerEvents
  readonly #grace: Grace
  #overdue: Disposable | undefined
  #phase: WorkerPhase = 'starting'
  #waiting: WaitingCall | undefined
  #call = 0

  constructor(start: WorkerStart, events: PoolWorkerEvents, grace: Grace) {
    this.#events = events
    this.#grace = grace
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
      this.#overdue = this.#grace.clock.schedule(this.#grace.graceMs, () => {
        this.#phase = 'overdue'
        void this.kill()
      })
      waiting.reject(reason)
    })
  }

  /** Notifies the running function, if any, that its caller no longer waits. */
  abort(reason: Error): void {
    if (this.#phase === 'running') this.#post({ kind: 'abort', call: this.#call, reason: carry(reason) })
  }

  /** Whether the worker keeps this thread alive. */
  keepAlive(isNeeded: boolean): void {
    this.#thread.keepAlive(isNeeded)
  }

  /** Ends the thread at any point of its code, and waits for that. */
  kill(): Promise<void> {
    return this.#thread.kill()
  }

  #post(order: ToWorker): void {
    this.#thread.post(order)
  }

  #hear(news: FromWorker): void {
    if (this.#phase === 'overdue') return
    this.#overdue?.[Symbol.dispose]()
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
    this.#overdue?.[Symbol.dispose]()
    this.#phase = 'ended'
    this.#waiting = undefined
    waiting?.[Symbol.dispose]()
    this.#events.onEnd({ thread: this.#thread.thread, exitCode, error }, phase, waiting)
  }
}
