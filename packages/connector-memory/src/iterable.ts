import { MillraceError } from '@millrace/core'
import type { ConnectorContext, Discovery, Poll, Source, SplitReader } from '@millrace/core/connector'
import { fromOneShot } from './pumps.ts'

/** Any iterable: an array, a generator, a Node or web stream, a channel. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>

const split = 'values'
/** How many values of an asynchronous iterable are fetched ahead. */
const AHEAD = 1_024

/**
 * Reads an iterable. An asynchronous one is asked for its next value only while there is room, so a stream is paused when
 * the job is slow.
 *
 * What can be read again after a crash decides the guarantee. Give a function that makes the iterable, or an array, a
 * `Set` or a `Map`: a restart reads it from its beginning and skips the values that the checkpoint covers, so it must
 * yield the same values in the same order. A stream or a generator can be read only once: a job that restarts in its
 * process loses nothing, and a new process reads what its own iterable yields.
 *
 * Throws `OPTION_INVALID` if it is not an iterable. What the iterable throws fails the job.
 *
 * @example
 * p.from('words', memory.readIterable(['a', 'b']))
 * p.from('rows', memory.readIterable(() => readRows('2026.db')))
 * p.from('lines', memory.readIterable(process.stdin))
 */
export function readIterable<T>(iterable: AnyIterable<T> | (() => AnyIterable<T>)): Source<T> {
  if (typeof iterable === 'function') return new IterableSource(iterable)
  const iterator = iteratorOf(iterable)
  // An iterable that is its own iterator, and whatever is asynchronous, is used up by reading it.
  const isOneShot = isAsync(iterable) || (iterator as unknown) === iterable
  return isOneShot ? fromOneShot(iterator) : new IterableSource(() => iterable)
}

function isAsync<T>(iterable: AnyIterable<T>): iterable is AsyncIterable<T> {
  return typeof (iterable as Partial<AsyncIterable<T>>)?.[Symbol.asyncIterator] === 'function'
}

function iteratorOf<T>(iterable: AnyIterable<T>): AsyncIterator<T> | Iterator<T> {
  if (isAsync(iterable)) return iterable[Symbol.asyncIterator]()
  if (typeof (iterable as Partial<Iterable<T>>)?.[Symbol.iterator] === 'function') {
    return iterable[Symbol.iterator]()
  }
  throw new MillraceError(
    'OPTION_INVALID',
    `memory.readIterable: ${typeof iterable} is not an iterable; give an array, a generator, a stream, or a function that returns one`,
  )
}

class IterableSource<T> implements Source<T, number> {
  readonly kind = 'iterable'
  readonly durability = 'replayable'
  readonly needsMainThread = true
  readonly #make: () => AnyIterable<T>

  constructor(make: () => AnyIterable<T>) {
    this.#make = make
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [split], isComplete: true })
  }

  open(_split: string, from: number | undefined, context: ConnectorContext): Promise<SplitReader<T, number>> {
    const iterable = this.#make()
    const iterator = iteratorOf(iterable)
    return Promise.resolve(
      isAsync(iterable)
        ? new AsyncReader(iterator as AsyncIterator<T>, from ?? 0, context)
        : new SyncReader(iterator as Iterator<T>, from ?? 0, context),
    )
  }
}

abstract class IterableReader<T> implements SplitReader<T, number> {
  protected next = 0
  readonly #context: ConnectorContext

  constructor(context: ConnectorContext) {
    this.#context = context
  }

  abstract poll(limit: number): Poll<T>
  abstract ready(): Promise<void>
  abstract close(): Promise<void>

  position(): number {
    return this.next
  }

  protected records(values: readonly T[]): Poll<T> {
    const first = this.next
    this.next += values.length
    const origin = {
      source: this.#context.name,
      split,
      place: (index: number) => `value ${first + index}`,
      raw: () => undefined,
    }
    return { kind: 'records', values, origin }
  }

  protected failure(cause: unknown, at: number): MillraceError {
    const message = `the iterable failed at value ${at}`
    return new MillraceError('SOURCE_FAILED', message, { cause })
  }
}

class SyncReader<T> extends IterableReader<T> {
  readonly #iterator: Iterator<T>
  #toSkip: number
  #isOver = false
  #error: MillraceError | undefined

  constructor(iterator: Iterator<T>, from: number, context: ConnectorContext) {
    super(context)
    this.#iterator = iterator
    this.#toSkip = from
    this.next = from
  }

  poll(limit: number): Poll<T> {
    const values: T[] = []
    try {
      while (!this.#isOver && values.length < limit) {
        const step = this.#iterator.next()
        if (step.done === true) this.#isOver = true
        else if (this.#toSkip > 0) this.#toSkip--
        else values.push(step.value)
      }
    } catch (cause) {
      this.#isOver = true
      this.#error = this.failure(cause, this.next + values.length)
    }
    if (values.length > 0) return this.records(values)
    if (this.#error !== undefined) throw this.#error
    return { kind: 'end' }
  }

  ready(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    if (!this.#isOver) this.#iterator.return?.()
    return Promise.resolve()
  }
}

class AsyncReader<T> extends IterableReader<T> {
  readonly #iterator: AsyncIterator<T>
  #fetched: T[] = []
  #toSkip: number
  #state: 'reading' | 'ended' | 'failed' | 'closed' = 'reading'
  #error: unknown
  #isFetching = false
  #wake: (() => void)[] = []

  constructor(iterator: AsyncIterator<T>, from: number, context: ConnectorContext) {
    super(context)
    this.#iterator = iterator
    this.#toSkip = from
    this.next = from
    void this.#fetch()
  }

  poll(limit: number): Poll<T> {
    if (this.#fetched.length > 0) {
      const values = this.#fetched.splice(0, limit)
      void this.#fetch()
      return this.records(values)
    }
    if (this.#state === 'failed') throw this.failure(this.#error, this.next)
    return this.#state === 'reading' ? { kind: 'pending', isCaughtUp: true } : { kind: 'end' }
  }

  async ready(): Promise<void> {
    if (this.#fetched.length > 0 || this.#state !== 'reading') return
    await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  close(): Promise<void> {
    if (this.#state === 'reading') {
      this.#state = 'closed'
      // A generator answers after its present step, which may never end; what it throws then is of no use.
      void this.#iterator.return?.().catch(() => {})
    }
    this.#wakeUp()
    return Promise.resolve()
  }

  /** Fetches while there is room. One call is in progress at a time. */
  async #fetch(): Promise<void> {
    if (this.#isFetching) return
    this.#isFetching = true
    try {
      while (this.#state === 'reading' && this.#fetched.length < AHEAD) {
        const step = await this.#iterator.next()
        if (this.#state !== 'reading') break
        if (step.done === true) this.#state = 'ended'
        else if (this.#toSkip > 0) this.#toSkip--
        else this.#fetched.push(step.value)
        this.#wakeUp()
      }
    } catch (error) {
      if (this.#state === 'reading') this.#state = 'failed'
      this.#error = error
      this.#wakeUp()
    }
    this.#isFetching = false
  }

  #wakeUp(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}
