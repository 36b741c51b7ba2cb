import type { ConnectorContext, JobStart } from '../connect/source.ts'
import { MillraceError } from '../errors/errors.ts'
import { maskLogins } from '../errors/mask-logins.ts'
import type { BreakerState } from '../observe/outage.ts'
import type { OutageReports } from '../observe/outage-reports.ts'
import type { Cancellation } from '../task/cancellation.ts'
import type { ReaderContext } from '../task/split-feed.ts'

/** The breaker of a connector that waits by itself for its system: it lets nothing through until that works again. */
class ReportedBreaker {
  readonly #changed: (state: BreakerState) => void
  #state: BreakerState = 'closed'

  constructor(changed: (state: BreakerState) => void) {
    this.#changed = changed
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  become(state: BreakerState): void {
    if (state === this.#state) return
    this.#state = state
    this.#changed(state)
  }
}

/** The common parts of all connector contexts of an attempt. */
export interface ConnectorContextsOptions extends Pick<
  ConnectorContext,
  'clock' | 'random' | 'fs' | 'owner' | 'isBounded' | 'start'
> {
  /** The directory of one connector. */
  readonly directoryOf: (name: string) => string
  readonly cancellation: Cancellation
  readonly outages: OutageReports
  readonly warn: (message: string) => void
}

/** Creates the contexts of sources, readers and sinks. */
export class ConnectorContexts {
  readonly #options: ConnectorContextsOptions
  /** One for all: capturing a stack costs more than opening a small split. */
  readonly #closed = new MillraceError('CANCELLED', 'the reader was closed')

  constructor(options: ConnectorContextsOptions) {
    this.#options = options
  }

  /** For a source, or a subtask of a sink, until the attempt ends. */
  ofConnector(name: string, subtask?: number): ConnectorContext {
    return this.#context(name, this.#options.cancellation.child(), subtask)
  }

  /** For a reader, until it is closed. */
  ofReader(name: string): ReaderContext {
    const part = this.#options.cancellation.child()
    const context = this.#context(name, part)
    return {
      context,
      release: () => {
        part.cancel(this.#closed)
        context.up()
      },
    }
  }

  #context(name: string, part: Cancellation, subtask?: number): ConnectorContext {
    const { clock, random, fs, owner, isBounded, start, directoryOf, outages, warn } = this.#options
    const reporter = {}
    const breaker = new ReportedBreaker((state) => {
      if (subtask !== undefined) outages.breaker(name, subtask, state)
    })
    return {
      name,
      clock,
      random,
      fs,
      directory: directoryOf(name),
      owner,
      isBounded,
      start,
      get signal() {
        return part.signal
      },
      warn: (message) => warn(maskLogins(`'${name}': ${message}`)),
      down: (reason) => {
        if (part.isCancelled) return
        outages.down(name, reporter, reason)
        breaker.become('open')
      },
      trying: () => {
        if (!breaker.isClosed) breaker.become('half-open')
      },
      up: () => {
        breaker.become('closed')
        outages.up(name, reporter)
      },
    }
  }
}

/** Why a run begins. */
export function startOf(
  { checkpoint, isEndOfRun }: { readonly checkpoint: number | undefined; readonly isEndOfRun: boolean },
  isRestart: boolean,
): JobStart {
  const kind = checkpoint === undefined ? 'first' : 'resumed'
  return { kind: isRestart ? 'restarted' : kind, checkpoint, ...(isEndOfRun && { isEndOfRun }) }
}
