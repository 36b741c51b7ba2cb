/**
 * The door to Node's threads: everything of Node that this package uses enters here.
 */
import type { Worker } from 'node:worker_threads'
import { setInterval } from 'node:timers'
import { deserialize, serialize } from 'node:v8'
import { isMainThread, threadId } from 'node:worker_threads'

/** A value as bytes that `deserialize` reads, by the algorithm of structured clones. */
export const toClone: (value: unknown) => Uint8Array = serialize

/** The value that `toClone` turned into bytes. */
export const fromClone: (bytes: Uint8Array) => unknown = deserialize

/** The number of this thread; the main thread's is 0. */
export const thisThread: number = threadId

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
  const thread = worker.threadId
  worker.once('exit', () => {
    for (const mourner of mourners) mourner.deref()?.bury(thread)
  })
}
