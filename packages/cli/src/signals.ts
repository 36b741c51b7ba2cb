// Loaded first: imports only small modules.
import process from 'node:process'
import { exitCodes, type ExitCode } from './exit-codes.ts'

const codeOf = {
  SIGHUP: exitCodes.hungUp,
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
} as const

type Signal = keyof typeof codeOf

/**
 * Signals within this many milliseconds count as one. One act may send two: `npm start` forwards a Ctrl-C
 * that the terminal has already delivered, and a closed terminal sends SIGHUP to the shell, which sends it to
 * its jobs.
 */
const echoMs = 200

/**
 * Handles Ctrl-C, SIGTERM and SIGHUP from its construction until `release`.
 *
 * The first signal aborts `stop`. The second ends the process at once, with the exit code of that signal.
 */
export class Signals implements Disposable {
  readonly #stop = new AbortController()
  #stoppedAt = 0
  #beforeLeaving = (): void => {}

  constructor() {
    for (const signal of signalNames) process.on(signal, this.#receive)
  }

  /** Aborted by the first signal, which is its reason. */
  get stop(): AbortSignal {
    return this.#stop.signal
  }

  /** Work to do before the second signal ends the process. */
  set beforeLeaving(act: () => void) {
    this.#beforeLeaving = act
  }

  /**
   * Restores the default effect of signals, which is to end the process; a pending signal takes effect at
   * once.
   */
  release(): void {
    this[Symbol.dispose]()
    if (this.#stop.signal.aborted) process.kill(process.pid, this.#stop.signal.reason as Signal)
  }

  [Symbol.dispose](): void {
    for (const signal of signalNames) process.off(signal, this.#receive)
  }

  readonly #receive = (signal: Signal): void => {
    // Loading the clock of the other packages would take too long here.
    const now = process.uptime() * 1_000
    if (!this.#stop.signal.aborted) {
      this.#stoppedAt = now
      this.#stop.abort(signal)
    } else if (now - this.#stoppedAt > echoMs) {
      this.#beforeLeaving()
      const code: ExitCode = codeOf[signal]
      process.exit(code)
    }
  }
}

const signalNames = Object.keys(codeOf) as readonly Signal[]
