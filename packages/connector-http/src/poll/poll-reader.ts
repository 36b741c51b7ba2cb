import type { ConnectorContext, DecodeFailure, Poll, SplitReader } from '@millrace/core/connector'
import { pause } from '../client/outage.ts'
import type { FetchedPage, PageFetcher } from './page-fetcher.ts'
import type { PollPlan } from './poll-options.ts'
import type { PollPosition } from './poll-position.ts'

/** What reads pages. */
export interface PollReaderParts<T> {
  readonly plan: PollPlan<T>
  readonly fetcher: PageFetcher<T>
  readonly split: string
  readonly context: ConnectorContext
  readonly start: PollPosition
  readonly onClose: () => void
}

const encoder = new TextEncoder()

/** Hands out the records of one page after the other. The next is asked for when they are handed out. */
export class PollReader<T> implements SplitReader<T, PollPosition> {
  readonly #parts: PollReaderParts<T>
  readonly #closing = new AbortController()
  readonly #onAbort = (): void => this.#end(this.#parts.context.signal.reason)
  #position: PollPosition
  /** Where the next page is asked for: pages without records come after the position until the next poll. */
  #next: PollPosition
  /** The page that is handed out, from item `#at` on. */
  #page: FetchedPage | undefined
  #at = 0
  #isCaughtUp = false
  #isEnded = false
  #error: Error | undefined
  #wakeReader: (() => void)[] = []
  #wakeFetcher: () => void = () => {}

  constructor(parts: PollReaderParts<T>) {
    this.#parts = parts
    this.#position = parts.start
    this.#next = parts.start
    parts.context.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (parts.context.signal.aborted) this.#onAbort()
    void this.#fetchAll()
  }

  poll(limit: number): Poll<T> {
    const page = this.#page
    if (page !== undefined) return this.#handOut(page, limit)
    if (this.#error !== undefined) throw this.#error
    this.#position = this.#next
    return this.#isEnded ? { kind: 'end' } : { kind: 'pending', isCaughtUp: this.#isCaughtUp }
  }

  async ready(): Promise<void> {
    const isOver = this.#isEnded || this.#error !== undefined || this.#closing.signal.aborted
    if (this.#page !== undefined || isOver) return
    await new Promise<void>((resolve) => this.#wakeReader.push(resolve))
  }

  position(): PollPosition {
    return this.#position
  }

  close(): Promise<void> {
    this.#parts.context.signal.removeEventListener('abort', this.#onAbort)
    this.#end(new Error('the reader is closed'))
    this.#parts.onClose()
    return Promise.resolve()
  }

  async #fetchAll(): Promise<void> {
    const { fetcher, plan, context } = this.#parts
    const { signal } = this.#closing
    try {
      for (;;) {
        const page = await fetcher.fetch(this.#next, signal)
        if (page !== undefined) await this.#pass(page)
        if (page?.hasMore === true) continue
        this.#isCaughtUp = true
        this.#isEnded = context.isBounded
        this.#wake()
        if (this.#isEnded) return
        await pause(context, plan.everyMs, signal)
        signal.throwIfAborted()
      }
    } catch (error) {
      if (!signal.aborted) this.#error = error as Error
    }
    this.#wake()
  }

  /** Resolves when the page is handed out. */
  async #pass(page: FetchedPage): Promise<void> {
    const { signal } = this.#closing
    if (page.items.length <= page.from.skip && page.failure === undefined) {
      this.#next = page.next
      return
    }
    this.#page = page
    this.#at = page.from.skip
    this.#isCaughtUp = false
    this.#wake()
    await new Promise<void>((resolve) => (this.#wakeFetcher = resolve))
    signal.throwIfAborted()
  }

  #handOut(page: FetchedPage, limit: number): Poll<T> {
    const first = this.#at
    const items = page.items.slice(first, first + limit)
    this.#at = first + items.length
    this.#position = { ...page.from, skip: this.#at }
    if (this.#at >= page.items.length) {
      this.#position = page.next
      this.#next = page.next
      this.#page = undefined
      this.#wakeFetcher()
    }
    if (page.failure !== undefined) {
      const failure = { index: 0, ...page.failure, place: `page ${page.from.page}` }
      return { kind: 'records', values: [], failures: [failure] }
    }
    return this.#decoded(items, page.from.page, first)
  }

  #decoded(items: readonly unknown[], page: number, first: number): Poll<T> {
    const { plan, split, context } = this.#parts
    const values: T[] = []
    const read: number[] = []
    const failures: DecodeFailure[] = []
    const placeOf = (index: number): string => `page ${page}, record ${first + index}`
    for (const [index, item] of items.entries()) {
      try {
        values.push(plan.parse(item))
        read.push(index)
      } catch (error) {
        failures.push({ index: values.length, error, raw: jsonBytes(item), place: placeOf(index) })
      }
    }
    const origin = {
      source: context.name,
      split,
      place: (index: number) => placeOf(read[index]!),
      raw: (index: number) => jsonBytes(items[read[index]!]),
    }
    return { kind: 'records', values, origin, failures }
  }

  #end(reason: unknown): void {
    this.#closing.abort(reason)
    this.#wakeFetcher()
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#wakeReader.splice(0)) wake()
  }
}

/** A record as it came, but for its spaces. */
function jsonBytes(item: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(item) ?? String(item))
}
