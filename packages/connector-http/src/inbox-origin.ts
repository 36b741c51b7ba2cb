import type { Origin } from '@millrace/core'
import type { FetchedBlock } from './inbox-block-reader.ts'

/** Consecutive records of one block. */
interface Run {
  /** The index of the first of them in the polled values. */
  readonly index: number
  readonly block: FetchedBlock
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

  /** Records that the values from `index` on are the block's records from `record` on. */
  add(index: number, block: FetchedBlock, record: number): void {
    this.#runs.push({ index, block, record })
  }

  place(index: number): string {
    const run = this.#runOf(index)
    return run === undefined ? 'unknown' : placeOf(run.block, run.record + index - run.index)
  }

  raw(index: number): Uint8Array | undefined {
    const run = this.#runOf(index)
    return run?.block.records[run.record + index - run.index]
  }

  #runOf(index: number): Run | undefined {
    return this.#runs.findLast((run) => run.index <= index)
  }
}

/** Formats the place of a record for messages. */
export function placeOf(block: FetchedBlock, record: number): string {
  return `segment ${block.segment}, byte ${block.offset}, record ${record}`
}
