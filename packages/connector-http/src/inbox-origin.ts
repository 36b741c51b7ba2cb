import type { HeaderColumn, Origin } from '@millrace/core/connector'
import type { LogPlace } from '@millrace/segment-log'

/** An entry of the inbox with its records decoded. */
export interface FetchedRecords extends LogPlace {
  /** Its size in the file, in bytes. */
  readonly bytes: number
  readonly records: readonly Uint8Array[]
  /** What they carry. Absent if none carries anything. */
  readonly headers: HeaderColumn | undefined
}

/** Consecutive records of one entry. */
interface Run {
  /** The index of the first of them in the polled values. */
  readonly index: number
  readonly entry: FetchedRecords
  readonly record: number
}

/** The places of polled records. */
export class InboxOrigin implements Origin {
  readonly source: string
  readonly split: string
  readonly #runs: Run[] = []

  constructor(source: string, split: string) {
    this.source = source
    this.split = split
  }

  /** Records that the values from `index` on are the entry's records from `record` on. */
  add(index: number, entry: FetchedRecords, record: number): void {
    this.#runs.push({ index, entry, record })
  }

  place(index: number): string {
    const run = this.#runOf(index)
    return run === undefined ? 'unknown' : placeOf(run.entry, run.record + index - run.index)
  }

  raw(index: number): Uint8Array | undefined {
    const run = this.#runOf(index)
    return run?.entry.records[run.record + index - run.index]
  }

  #runOf(index: number): Run | undefined {
    return this.#runs.findLast((run) => run.index <= index)
  }
}

/** Formats the place of a record for messages. */
export function placeOf(entry: FetchedRecords, record: number): string {
  return `segment ${entry.segment}, byte ${entry.offset}, record ${record}`
}
