import type { Batch } from '@millrace/core/connector'
import { TakingSink } from '../taking-sink.ts'
import type { Query, Row } from './queries/query.ts'

/**
 * Reads every column of every row, and keeps a count and a checksum that does not depend on their order.
 *
 * Of text the length and four characters count: the rows are compared in full by the oracle, so here it is
 * enough that no column can be left out.
 */
export class ChecksumSink extends TakingSink<Row> {
  readonly kind = 'checksum'
  rows = 0
  #low = 0
  #high = 0
  readonly #hash: (row: Row) => number

  constructor({ columns }: Query) {
    super()
    this.#hash = hashOf(columns)
  }

  /** The sums of two different hashes of all rows. */
  get checksum(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
  }

  protected take({ values, length }: Batch<Row>): void {
    this.rows += length
    for (let i = 0; i < length; i++) {
      const hash = this.#hash(values[i]!)
      this.#low = (this.#low + hash) | 0
      this.#high = (this.#high + Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)) | 0
    }
  }
}

/** One expression with all columns, as a program for one kind of row would have it: a loop over names is slow. */
function hashOf(columns: readonly string[]): (row: Row) => number {
  const mixed = columns.reduce((hash, column) => `mix(${hash}, row.${column})`, '0')
  // oxlint-disable-next-line typescript/no-implied-eval -- columns are names in this program
  return new Function('mix', `return (row) => ${mixed}`)(mix) as (row: Row) => number
}

function mix(hash: number, value: string | number): number {
  if (typeof value === 'number') return Math.imul(hash ^ (value | 0) ^ (value / 2 ** 32), 0x85ebca6b) + 1
  const { length } = value
  if (length === 0) return Math.imul(hash, 0xc2b2ae35) + 7
  const quarter = length >> 2
  const first = value.charCodeAt(0) | (value.charCodeAt(length - 1) << 8)
  const middle = (value.charCodeAt(quarter) << 16) | (value.charCodeAt(2 * quarter) << 23)
  return Math.imul(hash ^ first ^ middle ^ (length << 4), 0xc2b2ae35) + 3
}
