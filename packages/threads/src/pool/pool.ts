import { promiseOf, Waiter, WaitQueue } from '@millrace/channels'
import { rejected, systemClock } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { coreCount } from '../node-threads.ts'
import type { WorkerLimits } from '../node-threads.ts'
import { PoolWorker } from './pool-worker.ts'
import type { Grace, PoolCall, WaitingCall, WorkerPhase } from './pool-worker.ts'
import { shown } from '../shown.ts'
import { WorkerCrashError } from './worker-crash-error.ts'
import type { WorkerEnd } from './worker-crash-error.ts'
import { workerSide } from './worker-side.ts'

/** Options of a pool. */
export interface PoolOptions {
  /** Number of workers, an integer, at least 1. Default: one for each core. */
  readonly size?: number
  /** Limits on the memory of each worker, as in `node:worker_threads`. */
  readonly resourceLimits?: WorkerLimits
  /** Options of Node for the workers. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /**
   * How long a function may still run after its signal was aborted, by its caller or by `close`, in
   * milliseconds. Then its thread is killed, and another one takes its place. Default: 1000.
   */
  readonly graceMs?: number
  /** The clock for `graceMs`. Default: `systemClock`. */
  readonly clock?: Clock
}

/** The names of the functions of a module that a pool can run: one argument and an optional signal. */
export type PoolFunctionName<Module> = {
  [Name in keyof Module]: Module[Name] extends (argument: never, signal: AbortSignal) => unknown
    ? Name
    : never
}[keyof Module] &
  string

/** The argument type of a function of the module. */
export type PoolArgument<Module, Name extends keyof Module> = Module[Name] extends (
  ...parameters: infer Parameters
) => unknown
  ? Parameters extends readonly []
    ? undefined
    : Parameters[0]
  : never

/** The result type of a function of the module. */
export type PoolResult<Module, Name extends keyof Module> = Module[Name] extends (
  ...parameters: never[]
) => infer Result
  ? Awaited<Result>
  : never

/**
 * Starts worker threads that run the functions exported by a module, to use all cores.
 *
 * `module` is the URL of the user's own module, in TypeScript or JavaScript, usually `new URL('./worker.ts',
 * import.meta.url)`. For TypeScript, `tsx` must be installed next to the module, unless this Node version
 * loads TypeScript by itself. Its functions take one argument and an AbortSignal, and return a value or a
 * promise; argument and result are structured clones. For many small values, pass a channel: see
 * `sharedChannel`.
 *
 * @throws RangeError when `size` is not a positive integer, or `graceMs` not a number; TypeError when
 * `module` is not a URL.
 *
 * @example
 * await using workers = pool<typeof import('./hash.ts')>(new URL('./hash.ts', import.meta.url), { size: 2 })
 * const digest = await workers.run('sha256', 'some text')
 */
export function pool<Module extends object>(module: URL, options: PoolOptions = {}): Pool<Module> {
  return new Pool(module, options)
}

/**
 * Worker threads that run the functions of a module; created by `pool`.
 *
 * Each worker runs one call at a time, and calls wait for a free worker, first come, first served.
 *
 * When a worker crashes, its call rejects with a WorkerCrashError, and another worker replaces it at the next
 * call. A crash between two calls rejects the next call, or `close` if there is none. A module that cannot be
 * loaded rejects all calls. So every call settles, and every crash is reported.
 *
 * While calls are running or waiting the pool keeps the process alive, otherwise not.
 */
export class Pool<Module extends object> implements AsyncDisposable {
  readonly #module: URL
  readonly #options: PoolOptions
  readonly #size: number
  readonly #grace: Grace
  readonly #workers = new Set<PoolWorker>()
  readonly #line = new WaitQueue<WaitingCall>()
  // Why no call can run any more.
  #refusal: Error | undefined
  // A crash that was not yet reported.
  #unreported: WorkerCrashError | undefined
  #onAllIdle: (() => void) | undefined
  // The promise that all callers of `close` wait for.
  #allIdle: Promise<void> | undefined

  /** @internal */
  constructor(module: URL, options: PoolOptions) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`pool: the options are ${shown(options)}; pass { size }`)
    }
    const { size = coreCount(), graceMs = 0 } = options
    if (!(Number.isInteger(size) && size >= 1)) {
      throw new RangeError(`pool: size is ${shown(size)}; pass an integer from 1 on`)
    }
    if (typeof graceMs !== 'number' || Number.isNaN(graceMs)) {
      throw new RangeError(`pool: graceMs is ${shown(graceMs)}; pass a number of milliseconds`)
    }
    // A string that is not a URL can come from untyped callers; it would end each worker with an unhelpful
    // error.
    if (typeof (module as Partial<URL> | undefined)?.href !== 'string') {
      throw new TypeError(
        `pool: the module is ${JSON.stringify(module)}; pass its address: new URL(${JSON.stringify(String(module))}, import.meta.url)`,
      )
    }
    this.#module = module
    this.#options = options
    this.#size = size
    this.#grace = { graceMs: options.graceMs ?? 1000, clock: options.clock ?? systemClock }
    for (let started = 0; started < size; started++) this.#start()
  }

  /** Number of workers. */
  get size(): number {
    return this.#size
  }

  /**
   * Runs a function in a worker; waits for a free worker and for the result.
   *
   * An abort rejects at once with the signal's reason, and aborts the function's own signal. Its worker stays
   * busy until the function returns. One that does not within `graceMs`, as it computes without a pause, is
   * killed with its thread.
   *
   * @throws (by rejecting) the function's error, with its stack; TypeError when the argument or the result
   * cannot be cloned; WorkerCrashError when the worker ends before the call does.
   *
   * @example
   * const digest = await workers.run('sha256', 'some text', AbortSignal.timeout(1000))
   */
  run<Name extends PoolFunctionName<Module>>(
    name: Name,
    argument: PoolArgument<Module, Name>,
    signal?: AbortSignal,
  ): Promise<PoolResult<Module, Name>> {
    if (signal?.aborted) return rejected(signal.reason)
    const trouble = this.#refusal ?? this.#unreported
    if (trouble !== undefined) {
      this.#unreported = undefined
      return rejected(trouble)
    }
    const waiting: WaitingCall = new Waiter<undefined, PoolCall>(undefined, { name, argument, signal })
    this.#line.join(waiting)
    const result = promiseOf<PoolResult<Module, Name>>(waiting, 'run', this, signal)
    this.#dispatch()
    return result
  }

  /**
   * Wraps a function of the workers as a local function, for callers such as `parallelMap` and `workerPool`.
   *
   * @example
   * const digests = parallelMap(scope, texts, 4, workers.fn('sha256'))
   */
  fn<Name extends PoolFunctionName<Module>>(
    name: Name,
  ): (argument: PoolArgument<Module, Name>, signal?: AbortSignal) => Promise<PoolResult<Module, Name>> {
    return (argument, signal) => this.run(name, argument, signal)
  }

  /**
   * Ends all workers. Waiting calls reject; the signals of running calls are aborted, and they have `graceMs`
   * to end.
   *
   * @throws WorkerCrashError when a worker crashed between two calls and the crash was not yet reported.
   */
  async close(): Promise<void> {
    const closed = new Error(
      `the pool of ${this.#module.href} was closed; await its calls before you close it`,
    )
    this.#refuse(closed)
    for (const worker of this.#workers) worker.abort(closed)
    if (this.#isRunning()) await (this.#allIdle ??= this.#waitForAll())
    await Promise.all([...this.#workers].map((worker) => worker.kill()))
    const crash = this.#unreported
    this.#unreported = undefined
    if (crash !== undefined) throw crash
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #start(): void {
    const { resourceLimits, execArgv } = this.#options
    const worker = new PoolWorker(
      { server: workerSide, module: this.#module.href, limits: resourceLimits, execArgv },
      {
        onIdle: () => this.#dispatch(),
        onEnd: (end, phase, call) => {
          this.#workers.delete(worker)
          this.#bury(end, phase, call)
          this.#dispatch()
        },
      },
      this.#grace,
    )
    this.#workers.add(worker)
    worker.keepAlive(false)
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      while (worker.phase === 'idle' && !this.#line.isEmpty) worker.run(this.#line.shift()!)
    }
    if (this.#refusal === undefined && !this.#line.isEmpty && this.#workers.size < this.#size) this.#start()
    const hasCalls = !this.#line.isEmpty
    for (const worker of this.#workers) {
      worker.keepAlive(worker.phase === 'running' || (worker.phase === 'starting' && hasCalls))
    }
    if (!this.#isRunning()) this.#onAllIdle?.()
  }

  #bury(end: WorkerEnd, phase: WorkerPhase, call: WaitingCall | undefined): void {
    if (phase === 'overdue') return
    const crash = (doing: string): WorkerCrashError => new WorkerCrashError(end, this.#module.href, doing)
    if (call !== undefined && !call.value.signal?.aborted) {
      call.reject(this.#refusal ?? crash(`ran '${call.value.name}'`))
    } else if (this.#refusal === undefined) {
      this.#unreported = crash(phase === 'starting' ? 'loaded the module' : 'had nothing to run')
      if (phase === 'starting') this.#refuse(this.#unreported)
    }
  }

  /** Rejects all waiting calls and stops running new ones. */
  #refuse(reason: Error): void {
    this.#refusal ??= reason
    for (let call = this.#line.shift(); call; call = this.#line.shift()) {
      call.reject(this.#refusal)
      if (this.#refusal === this.#unreported) this.#unreported = undefined
    }
  }

  /** Waits until no worker runs a call, or `graceMs` have passed. */
  #waitForAll(): Promise<void> {
    const { graceMs, clock } = this.#grace
    return new Promise((resolve) => {
      const timer = clock.schedule(graceMs, resolve)
      this.#onAllIdle = () => {
        timer[Symbol.dispose]()
        resolve()
      }
    })
  }

  #isRunning(): boolean {
    return [...this.#workers].some((worker) => worker.phase === 'running')
  }
}
