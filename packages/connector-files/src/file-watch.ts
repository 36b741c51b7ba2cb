import type { ConnectorContext } from '@millrace/core/connector'
import { pause } from './pause.ts'

/**
 * The least time between two looks at a file, in milliseconds. A file that grows all the time is read in larger pieces
 * then, and costs little.
 */
const leastMs = 5

/** Waits for changes of a file: until the system reports one, or the time is over after which it is looked at anyway. */
export class FileWatch implements Disposable {
  readonly #clock: ConnectorContext['clock']
  readonly #hints: Disposable | undefined
  /** A file may have changed before it was watched. */
  #hasChanged = true
  #wake: (() => void) | undefined
  #lookedAt: number

  constructor({ clock, fs }: ConnectorContext, path: string) {
    this.#clock = clock
    this.#lookedAt = clock.monotonic()
    this.#hints = fs.watch?.(path, () => {
      this.#hasChanged = true
      this.#wake?.()
    })
  }

  /** Waits for a change, at most `pollMs`, or until the signal aborts; check the signal to know which. */
  async changed(pollMs: number, signal: AbortSignal): Promise<void> {
    const isHinted = this.#hints !== undefined
    if (!isHinted || !this.#hasChanged)
      await pause(this.#clock, pollMs, signal, (wake) => (this.#wake = wake))
    const sinceMs = this.#clock.monotonic() - this.#lookedAt
    const least = Math.min(leastMs, pollMs)
    if (isHinted && sinceMs < least) await pause(this.#clock, least - sinceMs, signal)
    this.#lookedAt = this.#clock.monotonic()
    this.#hasChanged = false
  }

  [Symbol.dispose](): void {
    this.#hints?.[Symbol.dispose]()
  }
}
