// Loaded before everything else: imports nothing that takes long.
import process from 'node:process'
import { exitCodes, type ExitCode } from './exit-codes.ts'

const codeOf = {
  SIGHUP: exitCodes.hungUp,
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
} as const

type Signal = keyof typeof codeOf

/**
 * One act may send two signals: `npm start` passes on a Ctrl-C that the terminal has delivered already, and a terminal
 * that closes hangs up on the shell, which hangs up on its jobs. Within so many milliseconds they count as one.
 */
const echoMs = 200

/**
 * Listens for Ctrl-C, SIGTERM and SIGHUP from the moment it is made until it is released.
 *
 * The first signal aborts `stop`. The second ends the process at once, with the exit code for that signal.
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

  /** What is still to be done when the second signal ends the process. */
  set beforeLeaving(act: () => void) {
    this.#beforeLeaving = act
  }

  /** Gives signals their usual effect again, which is to end the process; also one that has come already. */
  release(): void {
    this[Symbol.dispose]()
    if (this.#stop.signal.aborted) process.kill(process.pid, this.#stop.signal.reason as Signal)
  }

  [Symbol.dispose](): void {
    for (const signal of signalNames) process.off(signal, this.#receive)
  }

  readonly #receive = (signal: Signal): void => {
    // The clock of the other packages would have to be loaded first.
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
