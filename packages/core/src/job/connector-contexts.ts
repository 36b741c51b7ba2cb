import type { ConnectorContext } from '../connect/source.ts'
import { MillraceError } from '../errors/errors.ts'
import type { Cancellation } from '../task/cancellation.ts'
import type { ReaderContext } from '../task/split-feed.ts'

/** The common parts of all connector contexts of an attempt. */
export interface ConnectorContextsOptions extends Pick<
  ConnectorContext,
  'clock' | 'random' | 'fs' | 'owner' | 'isBounded'
> {
  /** The directory of one connector. */
  readonly directoryOf: (name: string) => string
  readonly cancellation: Cancellation
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

  /** For a source or a sink, until the attempt ends. */
  ofConnector(name: string): ConnectorContext {
    return this.#context(name, this.#options.cancellation.child())
  }

  /** For a reader, until it is closed. */
  ofReader(name: string): ReaderContext {
    const part = this.#options.cancellation.child()
    return {
      context: this.#context(name, part),
      release: () => part.cancel(this.#closed),
    }
  }

  #context(name: string, part: Cancellation): ConnectorContext {
    const { clock, random, fs, owner, isBounded, directoryOf, warn } = this.#options
    return {
      name,
      clock,
      random,
      fs,
      directory: directoryOf(name),
      owner,
      isBounded,
      get signal() {
        return part.signal
      },
      warn: (message) => warn(`'${name}': ${message}`),
    }
  }
}
