import process from 'node:process'
import type { Clock } from '@millrace/channels'
import { exitCodes, type ExitCode } from './exit-codes.ts'

const codeOf = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const

/** `npm start` hands Ctrl-C on to a process that the terminal has told already: within so long it is one signal. */
const echoMs = 200

/**
 * Listens for Ctrl-C and SIGTERM from the moment it is made until it is disposed.
 *
 * The first one aborts `stop`; whoever is interested looks at it or listens. The second calls `leave` with the exit
 * code for that signal, and nothing waits for anything any more.
 */
export class Signals implements Disposable {
  readonly #clock: Clock
  readonly #leave: (code: ExitCode) => void
  readonly #stop = new AbortController()
  #stoppedAt = 0

  constructor(clock: Clock, leave: (code: ExitCode) => void) {
    this.#clock = clock
    this.#leave = leave
    process.on('SIGINT', this.#receive)
    process.on('SIGTERM', this.#receive)
  }

  /** Aborted by the first signal. */
  get stop(): AbortSignal {
    return this.#stop.signal
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#receive)
    process.off('SIGTERM', this.#receive)
  }

  readonly #receive = (signal: keyof typeof codeOf): void => {
    const now = this.#clock.monotonic()
    if (!this.#stop.signal.aborted) {
      this.#stoppedAt = now
      this.#stop.abort(signal)
    } else if (now - this.#stoppedAt > echoMs) {
      this.#leave(codeOf[signal])
    }
  }
}
