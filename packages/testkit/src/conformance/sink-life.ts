import type { Json } from '@millrace/core'
import type { Batch, Sink, SinkWriter } from '@millrace/core/connector'
import type { SimFs } from '../sim-fs.ts'
import { check, checkEqual, show } from './check.ts'
import { ConnectorLife, type ConnectorLifeOptions } from './connector-life.ts'
import { noRejection } from '../no-rejection.ts'

/** A sink under test, and a way to read its visible records. */
export interface SinkSubject<T> {
  /** Creates the sink as a new process would: it shares only the outside world with earlier ones. */
  sink(): Sink<T>
  /** Returns the record for a number; `visible` returns the number. */
  record(number: number): T
  /** Returns the numbers of the records that are visible now, in the order of a reader. */
  visible(fs: SimFs): Promise<readonly number[]>
  /** Whether it waits for threads, sockets or other real I/O, which may take any time. */
  readonly worksOutside?: boolean
  /** Called at the end of the case. */
  close?(): Promise<void>
}

/** The features that only some sinks have. */
export interface SinkFeatures {
  readonly guarantee: Sink<unknown>['guarantee']
  /** Whether all its state is in files, so that the kit crashes it at every file operation. */
  readonly keepsFiles: boolean
  /** Whether writers of several subtasks may be open at the same time. */
  readonly severalSubtasks: boolean
}

/** What a manifest contains for the sink: where to resume, and prepared work that may not be visible yet. */
export interface SinkManifest {
  readonly checkpoint: number
  /** The number of the first record that the checkpoint does not cover. */
  readonly next: number
  readonly pending: readonly Json[]
}

/** Prepared work that awaits its commit, by writer. */
interface Prepared<T> {
  readonly writer: SinkWriter<T>
  readonly committable: Json
}

/** Before the first checkpoint. */
export const noManifest: SinkManifest = { checkpoint: 0, next: 0, pending: [] }

/** One life of a job that writes to one sink: the part of the engine that a sink interacts with. */
export class SinkLife<T> extends ConnectorLife {
  /** The last manifest that was published; outlives every crash. */
  manifest: SinkManifest
  readonly #subject: SinkSubject<T>
  readonly #writers: SinkWriter<T>[] = []
  #next: number
  #checkpoint: number
  #prepared: Prepared<T>[] = []

  constructor(
    subject: SinkSubject<T>,
    fs: SimFs,
    manifest: SinkManifest = noManifest,
    process: Pick<ConnectorLifeOptions, 'owner' | 'seenFs'> = {},
  ) {
    super({ fs, isBounded: false, worksOutside: subject.worksOutside, ...process })
    this.manifest = manifest
    this.#subject = subject
    this.#next = manifest.next
    this.#checkpoint = manifest.checkpoint
  }

  /** The number of the next record to write. */
  get next(): number {
    return this.#next
  }

  /** Opens writers, first that of subtask 0, with the pending work. */
  async open(subtasks = 1): Promise<this> {
    const sink = this.#subject.sink()
    await sink.check?.(throughText(this.manifest.pending), this.context)
    for (let subtask = 0; subtask < subtasks; subtask++) {
      const pending = subtask === 0 ? throughText(this.manifest.pending) : []
      const opening = sink.open(subtask, pending, this.context)
      this.#writers.push(await this.settled(opening, 'open does not settle'))
    }
    return this
  }

  /** Writes the next `count` records as one batch to one subtask. */
  async write(count: number, subtask = 0): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => this.#next + index)
    this.#next += count
    const written = this.#writers[subtask]!.write(this.#batch(numbers), noRejection)
    if (written !== undefined) await this.settled(written, 'write does not settle')
  }

  /** Writes the next `count` records and `unwritable` at each of `places`; returns the places that were rejected. */
  async writeAround(count: number, unwritable: T, places: readonly number[]): Promise<readonly number[]> {
    const numbers = Array.from({ length: count }, (_, index) => this.#next + index)
    this.#next += count
    const { values: good, ...batch } = this.#batch(numbers)
    const values = [...good]
    for (const place of places) values.splice(place, 0, unwritable)
    const length = count + places.length
    const times = new Float64Array(values.length)
    const rejected: number[] = []
    const reject = (index: number): void => void rejected.push(index)
    const written = this.#writers[0]!.write({ ...batch, length, values, times, watermarks: times }, reject)
    if (written !== undefined) await this.settled(written, 'write does not settle')
    return rejected
  }

  /** Prepares every subtask, and returns the committables after a round trip through text. */
  async prepare(): Promise<readonly Json[]> {
    this.#checkpoint++
    const fresh: Prepared<T>[] = []
    for (const writer of this.#writers) {
      const preparing = writer.prepare(this.#checkpoint)
      const committable = await this.settled(preparing, 'prepare does not settle')
      if (committable === undefined) continue
      const [kept] = throughText([committable])
      checkEqual(kept, committable, 'a committable that has passed through JSON')
      fresh.push({ writer, committable: kept! })
    }
    this.#prepared.push(...fresh)
    return fresh.map(({ committable }) => committable)
  }

  /** Publishes the manifest of everything prepared. Throws `DIRECTORY_LOCKED` if the process was replaced. */
  async publish(): Promise<void> {
    await this.context.owner.confirm()
    this.manifest = {
      checkpoint: this.#checkpoint,
      next: this.#next,
      pending: this.#prepared.map(({ committable }) => committable),
    }
  }

  /** Commits what is prepared, as after the manifest. The next manifest no longer names it. */
  async commit(): Promise<void> {
    for (let first = this.#prepared[0]; first !== undefined; first = this.#prepared[0]) {
      await this.#commitWith(first.writer, first.committable)
      this.#prepared.shift()
    }
  }

  /** Commits one committable of subtask 0, optionally twice. */
  commitOne(committable: Json): Promise<void> {
    return this.#commitWith(this.#writers[0]!, committable)
  }

  async checkpoint(): Promise<void> {
    await this.prepare()
    await this.publish()
    await this.commit()
  }

  async close(): Promise<void> {
    for (const writer of this.#writers.splice(0)) {
      await this.settled(writer.close(), 'close does not settle')
    }
  }

  visible(): Promise<readonly number[]> {
    return this.#subject.visible(this.fs)
  }

  /** Throws unless exactly the first `count` records are visible, in order. */
  async checkVisible(count: number, when: string): Promise<void> {
    checkEqual(await this.visible(), upTo(count), `what is visible ${when}`)
  }

  async #commitWith(writer: SinkWriter<T>, committable: Json): Promise<void> {
    await this.context.owner.confirm()
    const commit = writer.commit?.(committable)
    if (commit !== undefined) await this.settled(commit, 'commit does not settle')
  }

  // A batch may be cut from longer arrays; what is after its length must be ignored.
  #batch(numbers: readonly number[]): Batch<T> {
    const behind = [900_001, 900_002]
    return {
      length: numbers.length,
      values: [...numbers, ...behind].map((number) => this.#subject.record(number)),
      times: Float64Array.from([...numbers, ...behind], (number) => number * 1_000),
      watermarks: new Float64Array(numbers.length + behind.length).fill(-Infinity),
      origin: undefined,
      originIndex: undefined,
    }
  }
}

/** The numbers of the first `count` records. */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/**
 * Throws unless the visible records match the guarantee: `covered` records must have arrived and, for at-least-once,
 * `written` ones may have.
 */
export function checkGuarantee(
  guarantee: SinkFeatures['guarantee'],
  visible: readonly number[],
  { covered, written }: { readonly covered: number; readonly written: number },
): void {
  if (guarantee === 'exactly-once') {
    checkEqual(visible, upTo(covered), 'what is visible')
    return
  }
  const unknown = visible.filter((number) => number >= written)
  check(unknown.length === 0, `${show(unknown)} is visible and was never written`)
  const missing = upTo(covered).filter((number) => !visible.includes(number))
  check(missing.length === 0, `${show(missing)} is missing`)
}

function throughText(committables: readonly Json[]): Json[] {
  return committables.map((committable) => JSON.parse(JSON.stringify(committable)) as Json)
}
