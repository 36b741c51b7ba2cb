import { promiseOf, Waiter, WaitQueue } from '@millrace/channels'
import { rejected, systemClock } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { coreCount } from '../node-threads.ts'
import type { WorkerLimits } from '../node-threads.ts'
import { PoolWorker } from './pool-worker.ts'
import type { PoolCall, WaitingCall, WorkerPhase } from './pool-worker.ts'
import { shown } from '../shown.ts'
import { WorkerCrashError } from './worker-crash-error.ts'
import type { WorkerEnd } from './worker-crash-error.ts'
import { workerSide } from './worker-side.ts'

/** What a pool is made of. */
export interface PoolOptions {
  /** How many workers, an integer from 1 on. Default: one for each core. */
  readonly size?: number
  /** Limits on the memory of each worker, as in `node:worker_threads`. */
  readonly resourceLimits?: WorkerLimits
  /** Options of Node for the workers. Default: those of this process. */
  readonly execArgv?: readonly string[]
  /** How long `close` lets functions that still run come to an end before it kills their threads. Default: 1000. */
  readonly graceMs?: number
  /** Measures `graceMs`. Default: `systemClock`. */
  readonly clock?: Clock
}

/** The names of the functions of a module that a pool can run: those of one argument, and a signal if they like. */
export type PoolFunctionName<Module> = {
  [Name in keyof Module]: Module[Name] extends (argument: never, signal: AbortSignal) => unknown
    ? Name
    : never
}[keyof Module] &
  string

/** What a function of the module takes. */
export type PoolArgument<Module, Name extends keyof Module> = Module[Name] extends (
  ...parameters: infer Parameters
) => unknown
  ? Parameters extends readonly []
    ? undefined
    : Parameters[0]
  : never

/** What a function of the module gives. */
export type PoolResult<Module, Name extends keyof Module> = Module[Name] extends (
  ...parameters: never[]
) => infer Result
  ? Awaited<Result>
  : never

/**
 * Starts worker threads that run the functions a module exports: work for all cores.
 *
 * `module` is the address of the user's own module, in TypeScript or JavaScript, usually
 * `new URL('./worker.ts', import.meta.url)`. For TypeScript, `tsx` has to be installed where the module is, unless
 * this version of Node reads TypeScript by itself. Its functions take one argument and an AbortSignal, and return
 * something or a promise; both cross by structured clone. For many small values, pass them a channel: see
 * `sharedChannel`.
 *
 * @throws RangeError when `size` is no positive integer, or `graceMs` no number; TypeError when `module` is no URL.
 *
 * @example
 * await using workers = pool<typeof import('./hash.ts')>(new URL('./hash.ts', import.meta.url), { size: 2 })
 * const digest = await workers.run('sha256', 'some text')
 */
export function pool<Module extends object>(module: URL, options: PoolOptions = {}): Pool<Module> {
  return new Pool(module, options)
}

/**
 * Worker threads that run the functions of a module; made by `pool`.
 *
 * Each worker runs one call at a time, and calls wait in line for a worker, first come, first served.
 *
 * A worker that crashes takes down the call it was running: that rejects with a WorkerCrashError, and another worker
 * takes its place at the next call. A crash between two calls rejects the next one, or `close` if there is none. A
 * module that cannot be loaded rejects all calls. So nothing waits for ever, and no crash goes unnoticed.
 *
 * While calls are under way or in line the pool keeps the process alive, otherwise not.
 */
export class Pool<Module extends object> implements AsyncDisposable {
  readonly #module: URL
  readonly #options: PoolOptions
  readonly #size: number
  readonly #workers = new Set<PoolWorker>()
  readonly #line = new WaitQueue<WaitingCall>()
  // Why nothing can be run any more.
  #refusal: Error | undefined
  // A crash that nobody has been told of.
  #unreported: WorkerCrashError | undefined
  #onAllIdle: (() => void) | undefined
  // What everyone who closes it waits for.
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
    // What is no address at all comes from JavaScript, and would end each worker by an error that says too little.
    if (typeof (module as Partial<URL> | undefined)?.href !== 'string') {
      throw new TypeError(
        `pool: the module is ${JSON.stringify(module)}; pass its address: new URL(${JSON.stringify(String(module))}, import.meta.url)`,
      )
    }
    this.#module = module
    this.#options = options
    this.#size = size
    for (let started = 0; started < size; started++) this.#start()
  }

  /** How many workers run calls at the same time. */
  get size(): number {
    return this.#size
  }

  /**
   * Runs a function in one of the workers; waits for a free one, and for its result.
   *
   * An abort rejects with the signal's reason, at once; the function hears of it through its own signal. Until it
   * returns it keeps its worker busy: a function that computes without a pause cannot be stopped.
   *
   * @throws (by rejecting) what the function throws, with its stack; TypeError when the argument or the result cannot
   * be cloned; WorkerCrashError when the worker ends meanwhile.
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
   * A function of the workers as one of this thread, for whatever takes a function: `parallelMap`, `workerPool`.
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
   * Ends all workers. Calls in line are refused; those that run are told by their signals, and have `graceMs` to end.
   *
   * @throws WorkerCrashError when a worker had crashed between two calls and nobody has been told.
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
    const crash = (doing: string): WorkerCrashError => new WorkerCrashError(end, this.#module.href, doing)
    if (call !== undefined && !call.value.signal?.aborted) {
      call.reject(this.#refusal ?? crash(`ran '${call.value.name}'`))
    } else if (this.#refusal === undefined) {
      this.#unreported = crash(phase === 'starting' ? 'loaded the module' : 'had nothing to run')
      if (phase === 'starting') this.#refuse(this.#unreported)
    }
  }

  /** Nothing is run any more. */
  #refuse(reason: Error): void {
    this.#refusal ??= reason
    for (let call = this.#line.shift(); call; call = this.#line.shift()) {
      call.reject(this.#refusal)
      if (this.#refusal === this.#unreported) this.#unreported = undefined
    }
  }

  /** Waits until no worker runs anything, or `graceMs` have passed. */
  #waitForAll(): Promise<void> {
    const { graceMs = 1000, clock = systemClock } = this.#options
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
