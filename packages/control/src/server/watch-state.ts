import type { Key } from '@millrace/core'
import type { Context } from 'hono'
import type { StateChange, StateEntry } from '../contract/state.ts'
import { Ring } from '../job/ring.ts'
import type { KeyRequest, StateSource } from '../state/state-source.ts'
import { streamOf, type Feed } from './stream.ts'

/** What is watched: one key, or the first entries of an operator. */
export interface Watching extends Omit<KeyRequest, 'key'> {
  readonly key: { readonly is: Key } | undefined
  readonly limit: number
}

/** Whose state is watched. */
export interface Watched {
  /** Readers of the same share a watch. */
  readonly owner: object
  readonly source: StateSource
  /** The clock, in milliseconds since the epoch. */
  readonly now: number
  /** Calls `listener` about once a second, until the result is disposed. */
  onMeasured(listener: () => void): Disposable
  /** Calls `listener` when there is nothing to watch any more, until the result is disposed. */
  onGone(listener: () => void): Disposable
}

/** How many changes are kept for readers that come back. */
const changesKept = 256
/** A watch without readers is kept for so many measurements: one is made each second. */
const keptFor = 60

/** The watches of each job, by what is watched: readers of the same share one. */
const watches = new WeakMap<object, Map<string, StateWatch>>()

/**
 * The stream of what an operator keeps: first everything, then after each measurement what has changed since. A reader that
 * comes back gets what it has missed, or everything anew where that is not known any more.
 */
export function watchState(context: Context, watched: Watched, watching: Watching): Response {
  const own = watches.get(watched.owner) ?? new Map<string, StateWatch>()
  watches.set(watched.owner, own)
  const name = JSON.stringify([watching, typeof watching.key?.is])
  let watch = own.get(name)
  if (watch === undefined) {
    watch = new StateWatch(watched, watching, () => own.delete(name))
    own.set(name, watch)
  }
  const seen = context.req.header('last-event-id') ?? context.req.query('after')
  return streamOf((feed) => watch.join(feed, seen), watched)
}

interface Sent {
  readonly entry: StateEntry
  readonly value: string
}

/** What is known of one watched part of the state, and those who read it. */
class StateWatch {
  readonly #watched: Watched
  readonly #watching: Watching
  readonly #over: () => void
  readonly #measured: Disposable
  /** Identifies this watch: the numbers of another one mean something else. */
  readonly #id: string
  readonly #changes = new Ring<{ readonly number: number; readonly change: StateChange }>(changesKept)
  /** By reader: the number of the last change that it has; undefined before its snapshot. */
  readonly #readers = new Map<Feed, number | undefined>()
  /** By entry: its value as text. */
  #known: ReadonlyMap<string, Sent> | undefined
  #isLooking = false
  #unread = 0

  constructor(watched: Watched, watching: Watching, over: () => void) {
    this.#watched = watched
    this.#watching = watching
    this.#over = over
    this.#id = watched.now.toString(36)
    this.#measured = watched.onMeasured(() => this.#tick())
  }

  /** Adds a reader, which has seen the event with the id `seen`. */
  join(feed: Feed, seen: string | undefined): Disposable {
    const [id, text] = seen?.split('.') ?? []
    const number = Number(text)
    const isKnown =
      id === this.#id &&
      Number.isSafeInteger(number) &&
      number >= this.#oldest &&
      number <= this.#changes.last
    this.#readers.set(feed, isKnown ? number : undefined)
    this.#unread = 0
    if (isKnown) this.#send()
    void this.#look()
    return { [Symbol.dispose]: () => this.#readers.delete(feed) }
  }

  /** A reader with the changes up to this number can be sent the rest. */
  get #oldest(): number {
    return this.#changes.last - Math.min(changesKept, this.#changes.entries.length)
  }

  #tick(): void {
    if (this.#readers.size === 0 && ++this.#unread > keptFor) {
      this.#measured[Symbol.dispose]()
      this.#over()
      return
    }
    void this.#look()
  }

  /** Notes what has changed, and sends it. While the job restarts nothing can be read, and nothing is sent. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      this.#note(await this.#read())
      this.#send()
    } catch {
      // The next measurement tries again.
    } finally {
      this.#isLooking = false
    }
  }

  async #read(): Promise<readonly StateEntry[]> {
    const { key, limit, ...rest } = this.#watching
    const request = { ...rest, read: 'latest' } as const
    const { source } = this.#watched
    if (key !== undefined) return (await source.ofKey({ ...request, key: key.is })).entries
    const first = { prefix: undefined, range: undefined, cursor: '0' }
    return (await source.page({ ...request, ...first, limit })).entries
  }

  #note(entries: readonly StateEntry[]): void {
    const before = this.#known
    const now = new Map<string, Sent>()
    const changed: StateEntry[] = []
    for (const entry of entries) {
      const name = JSON.stringify([entry.table, entry.key, entry.inner])
      const value = JSON.stringify(entry.value)
      now.set(name, { entry, value })
      if (before?.get(name)?.value !== value) changed.push(entry)
    }
    const gone = [...(before ?? [])].filter(([name]) => !now.has(name))
    const removed = gone.map(([, { entry }]) => ({ table: entry.table, key: entry.key, inner: entry.inner }))
    this.#known = now
    if (before === undefined || (changed.length === 0 && removed.length === 0)) return
    this.#changes.add((number) => ({ number, change: { entries: changed, removed } }))
  }

  /** Sends each reader what it does not have. One that does not read in time gets a snapshot later. */
  #send(): void {
    const { last } = this.#changes
    for (const [feed, has] of this.#readers) {
      if (has === last || this.#known === undefined || feed.isBehind) continue
      if (has === undefined || has < this.#oldest) {
        const entries = Array.from(this.#known.values(), ({ entry }) => entry)
        feed.send('snapshot', { entries, removed: [] } satisfies StateChange, `${this.#id}.${last}`)
      } else {
        for (const { number, change } of this.#changes.after(has, changesKept).entries) {
          feed.send('change', change, `${this.#id}.${number}`)
        }
      }
      this.#readers.set(feed, last)
    }
  }
}
