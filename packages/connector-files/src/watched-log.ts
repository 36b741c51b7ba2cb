import type { LogHistory } from './log-history.ts'
import type { MissedContent } from './missed-content.ts'
import type { FirstBytes } from './position.ts'
import type { LogWatch } from './raw-file.ts'

/** One file as a part of the log at a path. */
export class WatchedLog implements LogWatch {
  readonly #path: string
  readonly #identity: string
  readonly #history: LogHistory
  readonly #missed: MissedContent

  constructor(path: string, identity: string, history: LogHistory, missed: MissedContent) {
    this.#path = path
    this.#identity = identity
    this.#history = history
    this.#missed = missed
  }

  see(first: FirstBytes, modifiedMs: number | undefined): void {
    this.#history.see(this.#path, this.#identity, first, modifiedMs)
  }

  cut(first: FirstBytes): readonly FirstBytes[] {
    this.#history.cut(this.#path, this.#identity, first)
    return this.#history.earlier(this.#path, this.#identity)
  }

  check(since: number): Promise<void> {
    return this.#missed.check(this.#path, since)
  }
}
