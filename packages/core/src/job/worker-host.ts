import type { ByteLink } from '../exchange/byte-link.ts'

/** Starts the worker threads of a job. */
export interface WorkerHost {
  /**
   * Starts `count` threads, each of which calls `serveWorker`. Rejects if a thread cannot start, after it has ended the
   * others.
   */
  start(count: number): Promise<readonly WorkerThread[]>
}

/** A worker thread, from the thread that started it. */
export interface WorkerThread {
  readonly port: WorkerPort
  /** For batches between the two threads. */
  readonly link: ByteLink
  /** Calls `ended` once when the thread has ended in any way, with the reason. */
  onEnd(ended: (reason: Error) => void): void
  /** Ends it at any point of its code. Resolves when it has ended. */
  kill(): Promise<void>
}

/** One end of a way for messages between two threads: plain data, in order. */
export interface WorkerPort {
  post(message: unknown): void
  /** Called once. Passes on every message, never during the call; those that came before are kept. */
  listen(receive: (message: unknown) => void): void
}
