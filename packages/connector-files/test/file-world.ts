import type { Json } from '@millrace/core'
import type { ConnectorContext, DecodeFailure, Origin, Source, SplitReader } from '@millrace/core/connector'
import type { Fs, Owner } from '@millrace/core/disk'
import { SimFs, SimOwners, simPlatform, type SimPlatform } from '@millrace/testkit'

/** The context of a connector in one run of the process, and the warnings it has given. */
export class FileWorld<F extends Fs = SimFs> {
  readonly clock: SimPlatform['clock']
  readonly fs: F
  readonly warnings: string[] = []
  readonly context: ConnectorContext
  readonly #stop = new AbortController()
  readonly #scheduler: SimPlatform['scheduler']

  constructor(fs: F, isBounded: boolean, seed = 1, owner: Owner = new SimOwners().take()) {
    const platform = simPlatform({ seed, fs: fs instanceof SimFs ? fs : new SimFs() })
    this.clock = platform.clock
    this.fs = fs
    this.#scheduler = platform.scheduler
    this.context = {
      name: 'subject',
      clock: platform.clock,
      random: platform.random,
      fs,
      directory: 'data/subject',
      owner,
      isBounded,
      start: { kind: 'first', checkpoint: undefined },
      signal: this.#stop.signal,
      warn: (message) => this.warnings.push(message),
      down: () => {},
      trying: () => {},
      up: () => {},
    }
  }

  /** Gives work on other threads, which is not simulated, time to run. */
  turn(): Promise<void> {
    return this.#scheduler.turn()
  }

  abort(): void {
    this.#stop.abort(new Error('the job stops'))
  }

  /** Advances the clock, and lets everything settle that it triggers. */
  async pass(ms = 200): Promise<void> {
    await this.clock.advance(ms)
    await this.clock.advance(0)
  }
}

/** Appends to a file, creating it if necessary. */
export async function appendTo(fs: Fs, path: string, content: string | Uint8Array): Promise<void> {
  const file = await fs.open(path, 'append')
  await file.write(Buffer.from(content as string))
  await file.close()
}

/** Truncates a file. */
export async function truncate(fs: Fs, path: string, size = 0): Promise<void> {
  const file = await fs.open(path, 'append')
  await file.truncate(size)
  await file.close()
}

/** The position of a split in a checkpoint. */
export interface SplitMark {
  readonly position: Json
  readonly isFinished: boolean
}

/** A record or a failure, and its place. */
export interface Taken<T> {
  readonly value?: T
  readonly failure?: DecodeFailure
  readonly place: string
}

/** Reads all splits of a source in one run, as the engine does. */
export class SourceRun<T> {
  readonly taken: Taken<T>[] = []
  readonly origins: Origin[] = []
  readonly #source: Source<T>
  readonly #context: ConnectorContext
  readonly #readers = new Map<string, SplitReader<T>>()
  readonly #finished = new Map<string, SplitMark>()
  readonly #caughtUp = new Set<string>()

  constructor(source: Source<T>, context: ConnectorContext) {
    this.#source = source
    this.#context = context
  }

  /** Opens every split of a checkpoint, whose positions are serialized. */
  async restore(marks: ReadonlyMap<string, SplitMark>): Promise<void> {
    for (const [split, mark] of marks) {
      if (mark.isFinished) this.#finished.set(split, mark)
      else await this.#open(split, JSON.parse(JSON.stringify(mark.position)) as Json)
    }
  }

  /** Opens new splits. */
  async discover(): Promise<readonly string[]> {
    const { splits } = await this.#source.discover(this.#context)
    const fresh = splits.filter((split) => !this.#readers.has(split) && !this.#finished.has(split))
    for (const split of fresh) await this.#open(split)
    return splits
  }

  /** Reads the available data of every open split, `limit` at a time. */
  poll(limit = 1_000): void {
    this.#caughtUp.clear()
    for (const [split, reader] of this.#readers) {
      let poll = reader.poll(limit)
      for (; poll.kind === 'records'; poll = reader.poll(limit)) {
        this.#take(poll.values, poll.failures ?? [], poll.origin!)
      }
      if (poll.kind === 'end') this.#finish(split, reader)
      else if (poll.isCaughtUp) this.#caughtUp.add(split)
    }
  }

  /** Whether every open split had no more data at its last poll. */
  get isCaughtUp(): boolean {
    return this.#caughtUp.size === this.#readers.size
  }

  /** Reads until all open splits have ended. */
  async readToEnd(limit = 1_000): Promise<void> {
    for (;;) {
      this.poll(limit)
      const [waiting] = this.#readers.values()
      if (waiting === undefined) return
      await waiting.ready()
    }
  }

  /** Reads the available data of the first open split, waiting for it if necessary. */
  async pollOnce(limit: number): Promise<void> {
    const [entry] = this.#readers
    if (entry === undefined) return
    const [split, reader] = entry
    const poll = reader.poll(limit)
    if (poll.kind === 'records') this.#take(poll.values, poll.failures ?? [], poll.origin!)
    else if (poll.kind === 'end') this.#finish(split, reader)
    else await reader.ready()
  }

  /** Closes every reader and reopens it, as the engine does so that other splits can be open. */
  async reopen(): Promise<void> {
    for (const [split, reader] of this.#readers) {
      const position = reader.position()
      await reader.close()
      await this.#open(split, position)
    }
  }

  marks(): ReadonlyMap<string, SplitMark> {
    const marks = new Map(this.#finished)
    for (const [split, reader] of this.#readers) {
      marks.set(split, { position: reader.position(), isFinished: false })
    }
    return marks
  }

  get openSplits(): number {
    return this.#readers.size
  }

  get values(): readonly T[] {
    return this.taken.flatMap((each) => ('value' in each ? [each.value] : []))
  }

  get failures(): readonly DecodeFailure[] {
    return this.taken.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.values()) await reader.close()
  }

  #finish(split: string, reader: SplitReader<T>): void {
    this.#finished.set(split, { position: reader.position(), isFinished: true })
    this.#readers.delete(split)
  }

  async #open(split: string, from?: Json): Promise<void> {
    this.#readers.set(split, await this.#source.open(split, from, this.#context))
  }

  #take(values: readonly T[], failures: readonly DecodeFailure[], origin: Origin): void {
    const rest = [...failures]
    // The engine writes the label of the split before each place.
    const placed = (failure: DecodeFailure): DecodeFailure => ({
      ...failure,
      place: `${origin.splitLabel} ${failure.place}`,
    })
    this.origins.push(origin)
    for (let index = 0; index <= values.length; index++) {
      while (rest[0]?.index === index) {
        const failure = placed(rest.shift()!)
        this.taken.push({ failure, place: failure.place })
      }
      if (index < values.length) this.taken.push({ value: values[index]!, place: placeAt(origin, index) })
    }
  }
}

/** The place of a record with the label of its split, as the engine shows it. */
export function placeAt(origin: Origin, index: number): string {
  return `${origin.splitLabel} ${origin.place(index)}`
}

/** Reads all data of a source on a simulated disk, bounded. */
export async function readAll<T>(source: Source<T>, fs: SimFs, limit?: number): Promise<SourceRun<T>> {
  const run = new SourceRun(source, new FileWorld(fs, true).context)
  await run.discover()
  await run.readToEnd(limit)
  return run
}
