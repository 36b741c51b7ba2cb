import type { Json } from '@millrace/core'
import type { SplitReader } from '@millrace/core/connector'
import type { SimFs } from '../sim-fs.ts'
import { checkEqual } from './check.ts'
import { essence, recordsIn, recordsOf, SourceLife } from './source-life.ts'
import type { SourceFeatures, SourceItem, SourceSubject } from './source-life.ts'

/** The subject of one case, the lives that read it, and common checks. */
export class SourceTrial<T> {
  readonly subject: SourceSubject<T>
  readonly features: SourceFeatures
  readonly #fs: SimFs
  #lives = 0

  constructor(subject: SourceSubject<T>, features: SourceFeatures, fs: SimFs) {
    this.subject = subject
    this.features = features
    this.#fs = fs
  }

  /** Starts a life: bounded by default if the source has an end. */
  live(isBounded: boolean = this.features.ends): SourceLife<T> {
    return new SourceLife(this.subject, this.#fs, isBounded, this.#lives++ > 0)
  }

  /** Reads the content of a split as plain data. */
  expected(split: string): readonly unknown[] {
    return recordsOf(this.subject, this.subject.splits.get(split)!)
  }

  /** Reads everything in a new life. */
  async readOnce(): Promise<ReadonlyMap<string, readonly SourceItem[]>> {
    const life = this.live()
    const all = new Map<string, readonly SourceItem[]>()
    for (const [split, reader] of await life.openAll()) all.set(split, await life.read(reader, 1_000))
    await life.close()
    return all
  }

  /** Reads until it has `count` records, and waits for more each time the reader has caught up. */
  async readRecords(life: SourceLife<T>, reader: SplitReader<T>, count: number): Promise<readonly unknown[]> {
    const records: unknown[] = []
    for (let round = 0; round < 100; round++) {
      records.push(...recordsIn(await life.read(reader, 2)))
      if (records.length >= count) break
      await life.settled(reader.ready(), 'ready does not resolve')
    }
    return records
  }

  /** Opens `position` in a new life and compares what follows with what comes after `read` items. */
  async checkResumes(
    all: ReadonlyMap<string, readonly SourceItem[]>,
    split: string,
    position: Json,
    read: number,
  ): Promise<void> {
    const life = this.live()
    const reader = await life.open(split, position)
    const items = await life.read(reader, 3)
    const expected = all.get(split)!.slice(read)
    checkEqual(items.map(essence), expected.map(essence), `what ${split} has after item ${read}`)
    await life.close()
  }
}
