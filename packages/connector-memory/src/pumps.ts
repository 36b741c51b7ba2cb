import { MillraceError } from '@millrace/core'
import type { Source } from '@millrace/core/connector'
import type { ReceiveChannel } from '@millrace/channels'
import { Feed, type FeedOptions } from './feed.ts'
import { FeedSource, type FeedPosition, type Pump } from './feed-source.ts'

/** A pump that runs a task from `start` to `stop`. What the task throws fails the feed. */
class TaskPump implements Pump {
  readonly #task: (signal: AbortSignal) => Promise<void>
  readonly #failed: (error: unknown) => void
  #stopping = new AbortController()

  constructor(task: (signal: AbortSignal) => Promise<void>, failed: (error: unknown) => void) {
    this.#task = task
    this.#failed = failed
  }

  start(): void {
    const { signal } = (this.#stopping = new AbortController())
    void this.#task(signal).catch((error: unknown) => {
      if (!signal.aborted) this.#failed(error)
    })
  }

  stop(): void {
    this.#stopping.abort()
  }
}

/**
 * Reads a channel. When the job ends, what it has not received stays in the channel.
 *
 * Throws `OPTION_INVALID`.
 *
 * @example
 * const orders = new Channel<Order>(100)
 * p.from('orders', memory.readChannel(orders))
 */
export function readChannel<T>(
  channel: ReceiveChannel<T>,
  options: FeedOptions = {},
): Source<T, FeedPosition> {
  const feed = new Feed<T>('memory.readChannel', options)
  const receive = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      await feed.room(signal)
      const received = await channel.receive(signal)
      if (!received.ok) return feed.end()
      feed.tryPush(received.value)
    }
  }
  return new FeedSource(feed, new TaskPump(receive, (error) => feed.fail(error)))
}

/** Reads an iterator that cannot be read twice. */
export function fromOneShot<T>(iterator: AsyncIterator<T> | Iterator<T>): Source<T, FeedPosition> {
  const feed = new Feed<T>('memory.readIterable')
  const read = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      await feed.room(signal)
      const step = await iterator.next()
      if (signal.aborted) return
      if (step.done === true) return feed.end()
      feed.tryPush(step.value)
    }
  }
  const pump = new TaskPump(read, (error) => feed.fail(error))
  return new FeedSource(feed, {
    start: () => pump.start(),
    stop: () => {
      pump.stop()
      // A generator answers after its present step, which may never end; what it throws then is of no use.
      void Promise.resolve(iterator.return?.()).catch(() => {})
    },
  })
}

/** What becomes of an event that finds the queue full: an emitter cannot wait. */
export interface EventOptions extends FeedOptions {
  /** `fail` ends the job; the others drop an event and count it. Default `fail`. */
  readonly whenFull?: 'fail' | 'dropNewest' | 'dropOldest'
}

/** Options of `fromEmitter`. */
export interface EmitterOptions extends EventOptions {
  /** The event after which nothing more comes, such as `close` or `end`. Default: none. */
  readonly endOn?: string
}

/** Adds values to a feed on behalf of something that cannot wait. */
class Overflow<T> {
  readonly feed: Feed<T>
  readonly #what: string
  readonly #whenFull: EventOptions['whenFull']
  dropped = 0

  constructor(what: string, { capacity = 10_000, whenFull = 'fail', ...rest }: EventOptions) {
    this.feed = new Feed<T>(what, { capacity, ...rest })
    this.#what = what
    this.#whenFull = whenFull
    if (!['fail', 'dropNewest', 'dropOldest'].includes(whenFull)) {
      const message = `${what}: whenFull is ${whenFull}; write 'fail', 'dropNewest' or 'dropOldest'`
      throw new MillraceError('OPTION_INVALID', message)
    }
  }

  offer(value: T): void {
    if (this.feed.isOver || this.feed.tryPush(value)) return
    if (this.#whenFull === 'fail') return this.#overflow()
    this.dropped++
    if (this.#whenFull === 'dropOldest' && this.feed.dropOldest()) this.feed.tryPush(value)
  }

  #overflow(): void {
    const message = `${this.#what}: ${this.feed.capacity} events wait and another came; the job is slower than its events: raise \`capacity\`, or choose what to drop by \`whenFull\``
    this.feed.fail(new MillraceError('SOURCE_FAILED', message))
  }
}

/** A source of events, and how many of them were dropped because the queue was full. */
export class EventSource<T> extends FeedSource<T> {
  readonly #overflow: Overflow<T>

  constructor(overflow: Overflow<T>, pump: Pump) {
    super(overflow.feed, pump)
    this.#overflow = overflow
  }

  /** How many events were dropped so far. */
  get dropped(): number {
    return this.#overflow.dropped
  }
}

/** Node's `EventEmitter`, or anything of its shape. */
export interface EmitterLike {
  on(name: string, listener: (...args: unknown[]) => void): unknown
  off(name: string, listener: (...args: unknown[]) => void): unknown
}

/** An `EventTarget`, or anything of its shape. */
export interface TargetLike {
  addEventListener(name: string, listener: (event: unknown) => void): void
  removeEventListener(name: string, listener: (event: unknown) => void): void
}

/**
 * Reads the events of one name. `pick` makes the value from the event's arguments.
 *
 * It listens from the start of the job to its end. An `error` event of an `EventEmitter` fails the job, as does what `pick`
 * throws. Throws `OPTION_INVALID`.
 *
 * @example
 * p.from('jobs', memory.readEvents(queue, 'job', (job: Job) => job, { endOn: 'close' }))
 */
export function readEvents<Args extends readonly unknown[], T>(
  emitter: EmitterLike | TargetLike,
  name: string,
  pick: (...args: Args) => T,
  { endOn, ...options }: EmitterOptions = {},
): EventSource<T> {
  const overflow = new Overflow<T>('memory.readEvents', options)
  const { feed } = overflow
  const listeners: [string, (...args: unknown[]) => void][] = [
    [
      name,
      (...args) => {
        try {
          overflow.offer(pick(...(args as unknown as Args)))
        } catch (error) {
          feed.fail(error)
        }
      },
    ],
  ]
  if (endOn !== undefined) listeners.push([endOn, () => feed.end()])
  if ('on' in emitter && name !== 'error') listeners.push(['error', (error) => feed.fail(error)])
  return new EventSource(overflow, {
    start: () => {
      for (const [event, listener] of listeners) {
        if ('on' in emitter) emitter.on(event, listener)
        else emitter.addEventListener(event, listener)
      }
    },
    stop: () => {
      for (const [event, listener] of listeners) {
        if ('on' in emitter) emitter.off(event, listener)
        else emitter.removeEventListener(event, listener)
      }
    },
  })
}

/** An observable of RxJS, or anything of its shape. */
export interface ObservableLike<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void
  }
}

/**
 * Reads an observable: it is subscribed from the start of the job to its end. Throws `OPTION_INVALID`.
 *
 * @example
 * p.from('clicks', memory.readObservable(clicks, { whenFull: 'dropOldest' }))
 */
export function readObservable<T>(observable: ObservableLike<T>, options: EventOptions = {}): EventSource<T> {
  const overflow = new Overflow<T>('memory.readObservable', options)
  let subscription: { unsubscribe(): void } | undefined
  return new EventSource(overflow, {
    start: () => {
      subscription = observable.subscribe({
        next: (value) => overflow.offer(value),
        error: (error) => overflow.feed.fail(error),
        complete: () => overflow.feed.end(),
      })
    },
    stop: () => subscription?.unsubscribe(),
  })
}
