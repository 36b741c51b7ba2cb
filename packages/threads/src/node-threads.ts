/**
 * The only file that uses Node's modules for threads.
 */
import { availableParallelism } from 'node:os'
import { setInterval } from 'node:timers'
import { deserialize, serialize } from 'node:v8'
import { isMainThread, parentPort, threadId, Worker } from 'node:worker_threads'
import type { ResourceLimits } from 'node:worker_threads'
import { shown } from './shown.ts'

/** Encodes a value with the structured clone algorithm. */
export const toClone: (value: unknown) => Uint8Array = serialize

/** Decodes the result of `toClone`. */
export const fromClone: (bytes: Uint8Array) => unknown = deserialize

/** The id of this thread; 0 for the main thread. */
export const thisThread: number = threadId

/** How many threads this machine can run in parallel. */
export function coreCount(): number {
  return availableParallelism()
}

// Number of waits in this thread that only another thread can end.
let holds = 0
let hold: ReturnType<typeof setInterval> | undefined

/**
 * Keeps a worker thread alive until `releaseThread` has been called as often.
 *
 * Node ends a thread whose event loop has nothing to wait for, and does not count a wait for shared memory.
 * In a worker such a wait must count: only other threads know whether it will end. In the main thread it must
 * not: the workers that could end it keep the process alive, and without them it never ends.
 */
export function holdThread(): void {
  if (isMainThread) return
  hold ??= setInterval(() => {}, 2 ** 30)
  if (holds++ === 0) hold.ref()
}

/** Reverts one `holdThread`. */
export function releaseThread(): void {
  if (isMainThread) return
  if (--holds === 0) hold?.unref()
}

/** Receives the deaths of threads. */
export interface Mourner {
  bury(thread: number): void
}

const mourners = new Set<WeakRef<Mourner>>()
const forgotten = new FinalizationRegistry<WeakRef<Mourner>>((mourner) => mourners.delete(mourner))

/** Calls `mourner` for every worker started here that ends, as long as `mourner` is referenced elsewhere. */
export function mourn(mourner: Mourner): void {
  const reference = new WeakRef(mourner)
  mourners.add(reference)
  forgotten.register(mourner, reference)
}

/**
 * Notifies the channels that are open in this thread when `worker` ends for any reason.
 *
 * A worker can be killed during a send: by `terminate`, or when its memory runs out. Only the thread that
 * started it learns of that. A pool watches its workers by itself; use this for workers that you start.
 *
 * @example
 * const worker = new Worker(new URL('./ingest.js', import.meta.url), { workerData: orders.handle() })
 * watchWorker(worker)
 */
export function watchWorker(worker: Worker): void {
  if (typeof (worker as Partial<Worker> | undefined)?.once !== 'function')
    throw new TypeError(`watchWorker: the worker is ${shown(worker)}; pass a Worker of node:worker_threads`)
  const thread = worker.threadId
  worker.once('exit', () => {
    for (const mourner of mourners) mourner.deref()?.bury(thread)
  })
}

/** Limits on the memory of a worker; see `resourceLimits` in `node:worker_threads`. */
export type WorkerLimits = Readonly<ResourceLimits>

/** Events of a worker thread. */
export interface WorkerEvents {
  onMessage(message: unknown): void
  /** Called once, at the end; `error` is the uncaught error that ended the thread, if any. */
  onExit(exitCode: number, error: unknown): void
}

/** A worker thread, from the thread that started it. */
export interface WorkerThread {
  readonly thread: number
  /** @throws when the message cannot be cloned. */
  post(message: unknown): void
  /** Whether it keeps this thread alive. */
  keepAlive(isNeeded: boolean): void
  /** Kills it at any point of its code. */
  kill(): Promise<void>
}

/** How to start a worker thread. */
export interface WorkerStart {
  /** The module that exports the worker's `serve`. */
  readonly server: string
  /** The URL of the user's module. */
  readonly module: string
  readonly limits: WorkerLimits | undefined
  /** Options of Node; undefined for those of this process. */
  readonly execArgv: readonly string[] | undefined
}

/** Starts a worker thread that runs `serve` of `server` on the user's module. */
export function startWorker(start: WorkerStart, events: WorkerEvents): WorkerThread {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(prelude)}`), {
    workerData: { server: start.server, module: start.module },
    // By default options are inherited, including V8 options, which workers reject.
    ...(start.execArgv === undefined ? {} : { execArgv: [...start.execArgv] }),
    ...(start.limits === undefined ? {} : { resourceLimits: start.limits }),
  })
  let failure: unknown
  let isKilled = false
  worker.on('message', (message) => events.onMessage(message))
  worker.on('messageerror', (error) => {
    failure = error
    void worker.terminate()
  })
  worker.on('error', (error) => (failure = error))
  watchWorker(worker)
  worker.on('exit', (exitCode) => events.onExit(exitCode, failure))
  return {
    thread: worker.threadId,
    post: (message) => worker.postMessage(message),
    keepAlive(isNeeded) {
      if (isNeeded) worker.ref()
      else if (!isKilled) worker.unref()
    },
    async kill() {
      // A killed worker keeps this thread alive; otherwise the process would end before the worker is gone.
      isKilled = true
      await worker.terminate()
    },
  }
}

/**
 * The first module of a worker. Source text, because it must run before TypeScript can be loaded.
 *
 * Node 20 does not pass the main thread's TypeScript loader to its workers; so for a TypeScript module the
 * worker looks for `tsx` next to that module, unless this Node version loads TypeScript by itself.
 */
const prelude = `
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { workerData } from 'node:worker_threads'

const isTypeScript = (address) => /\\.[cm]?tsx?$/.test(new URL(address).pathname)
const usesTsx = process.execArgv.some((option) => /\\btsx\\b/.test(option))

async function readTypeScript(address) {
  let file
  try {
    file = createRequire(address).resolve('tsx/package.json')
  } catch (error) {
    if (process.features.typescript) return
    throw new Error(fileURLToPath(address) + ' is TypeScript, which this worker cannot read; ' +
      'install tsx next to it (npm install tsx), or compile it and pass the JavaScript file', { cause: error })
  }
  const { exports } = JSON.parse(readFileSync(file, 'utf8'))
  const api = path.join(path.dirname(file), exports['./esm/api'].import.default)
  const { register } = await import(pathToFileURL(api).href)
  register()
}

const source = [workerData.module, workerData.server].find(isTypeScript)
if (source !== undefined && (usesTsx || !process.features.typescript)) await readTypeScript(source)
const { serve } = await import(workerData.server)
await serve(workerData.module)
`

/** The worker's end of the message port. */
export interface ParentThread {
  post(message: unknown): void
  /** Passes every message to `onMessage`. From then on the worker lives until it is ended or fails. */
  listen(onMessage: (message: unknown) => void): void
}

/** The port to the thread that started this one. @throws Error in the main thread. */
export function parentThread(): ParentThread {
  if (parentPort === null) throw new Error('serve was called in the main thread; only pool workers call it')
  const port = parentPort
  return {
    post: (message) => port.postMessage(message),
    listen: (onMessage) => void port.on('message', onMessage),
  }
}
