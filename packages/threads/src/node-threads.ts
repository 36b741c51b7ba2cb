/**
 * The door to Node's threads: everything of Node that this package uses enters here.
 */
import { availableParallelism } from 'node:os'
import { setInterval } from 'node:timers'
import { deserialize, serialize } from 'node:v8'
import { isMainThread, parentPort, threadId, Worker } from 'node:worker_threads'
import type { ResourceLimits } from 'node:worker_threads'
import { shown } from './shown.ts'

/** A value as bytes that `deserialize` reads, by the algorithm of structured clones. */
export const toClone: (value: unknown) => Uint8Array = serialize

/** The value that `toClone` turned into bytes. */
export const fromClone: (bytes: Uint8Array) => unknown = deserialize

/** The number of this thread; the main thread's is 0. */
export const thisThread: number = threadId

/** How many threads run at the same time on this machine. */
export function coreCount(): number {
  return availableParallelism()
}

// How many waits of this thread only another thread can end.
let holds = 0
let hold: ReturnType<typeof setInterval> | undefined

/**
 * Keeps a worker thread alive until `releaseThread` has been called as often.
 *
 * Node ends a thread whose event loop has nothing to wait for, and does not count a wait for shared memory. In a
 * worker such a wait has to count: only the other threads know whether it will end. In the main thread it must not:
 * the workers that could end it keep the process alive, and without them it never ends.
 */
export function holdThread(): void {
  if (isMainThread) return
  hold ??= setInterval(() => {}, 2 ** 30)
  if (holds++ === 0) hold.ref()
}

/** Undoes one `holdThread`. */
export function releaseThread(): void {
  if (isMainThread) return
  if (--holds === 0) hold?.unref()
}

/** What can be told that a thread has died. */
export interface Mourner {
  bury(thread: number): void
}

const mourners = new Set<WeakRef<Mourner>>()
const forgotten = new FinalizationRegistry<WeakRef<Mourner>>((mourner) => mourners.delete(mourner))

/** Has `mourner` told of every worker started here that ends, for as long as somebody else holds on to it. */
export function mourn(mourner: Mourner): void {
  const reference = new WeakRef(mourner)
  mourners.add(reference)
  forgotten.register(mourner, reference)
}

/**
 * Tells the channels that are open in this thread when `worker` ends, however it ends.
 *
 * A worker can be killed in the middle of a send: by `terminate`, or when its memory runs out. Nobody but the thread
 * that started it learns of that. A pool watches its workers by itself; this is for those that were started by hand.
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

/** What happens to a worker thread. */
export interface WorkerEvents {
  onMessage(message: unknown): void
  /** Once, at the very end; `error` is what nobody caught, if that is why. */
  onExit(exitCode: number, error: unknown): void
}

/** A worker thread, as the thread that started it sees it. */
export interface WorkerThread {
  readonly thread: number
  /** @throws when the message cannot be cloned. */
  post(message: unknown): void
  /** Whether it keeps this thread alive. */
  keepAlive(isNeeded: boolean): void
  /** Kills it, wherever it is. */
  kill(): Promise<void>
}

/** What a worker thread is started with. */
export interface WorkerStart {
  /** The module whose `serve` the worker calls. */
  readonly server: string
  /** The address of the user's module. */
  readonly module: string
  readonly limits: WorkerLimits | undefined
  /** Options of Node; those of this process if undefined. */
  readonly execArgv: readonly string[] | undefined
}

/** Starts a worker thread that runs `serve` of `server` on the user's module. */
export function startWorker(start: WorkerStart, events: WorkerEvents): WorkerThread {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(prelude)}`), {
    workerData: { server: start.server, module: start.module },
    // Left out, they are inherited, also those of V8, which a worker may not be given.
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
      isKilled = true // And keeps this thread alive, or the process would end before it is gone.
      await worker.terminate()
    },
  }
}

/**
 * The first module of a worker. Source text, because it must run before anything can read TypeScript.
 *
 * Node 20 does not pass on to its workers what reads TypeScript in the main thread; so for a TypeScript module the
 * worker looks for `tsx` where that module is, unless this version of Node reads TypeScript by itself.
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
      'install tsx where it is (npm install tsx), or compile it and pass the JavaScript file', { cause: error })
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

/** The other end, in the worker. */
export interface ParentThread {
  post(message: unknown): void
  /** Hands every message to `onMessage`. From then on the worker lives until it is told to end, or fails. */
  listen(onMessage: (message: unknown) => void): void
}

/** The thread that started this one. @throws Error in the main thread. */
export function parentThread(): ParentThread {
  if (parentPort === null) throw new Error('this is the main thread; only the workers of a pool serve')
  const port = parentPort
  return {
    post: (message) => port.postMessage(message),
    listen: (onMessage) => void port.on('message', onMessage),
  }
}
