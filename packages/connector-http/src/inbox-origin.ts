import type { Origin } from '@millrace/core'
import type { FetchedBlock } from './inbox-block-reader.ts'

/** Records that stand side by side in one block. */
interface Run {
  /** The index of the first of them among the polled values. */
  readonly index: number
  readonly block: FetchedBlock
  readonly record: number
}

/** Where polled records came from. */
export class InboxOrigin implements Origin {
  readonly source: string
  readonly split: string
  readonly #runs: Run[] = []

  constructor(source: string, split: string) {
    this.source = source
    this.split = split
  }

  /** Says that the value at `index` and those behind it are the block's records from `record` on. */
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

/** The place of a record, for people. */
export function placeOf(block: FetchedBlock, record: number): string {
  return `segment ${block.segment}, byte ${block.offset}, record ${record}`
}
