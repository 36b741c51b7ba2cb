import { describeError, MillraceError } from '@millrace/core'
import type { TableSpec } from '@millrace/core/store'
import { readerOf, type BlockOrigin } from '@millrace/store-memory/segments'
import type { BlockRecords } from './block-records.ts'

/** Decodes the values of a table, whichever codec and version wrote them. */
export class ValueReaders<T> {
  readonly #spec: TableSpec<T>
  readonly #readers = new Map<string, ReturnType<typeof readerOf>>()

  constructor(spec: TableSpec<T>) {
    this.#spec = spec
  }

  /** Whether the table would write the same bytes. */
  isCurrent({ codecId, codecVersion }: BlockOrigin): boolean {
    const { codec } = this.#spec
    return codecId === codec.id && codecVersion === codec.version
  }

  /** Whether another codec wrote the bytes. Throws `CHECKPOINT_INCOMPATIBLE` if the table's cannot read them. */
  isForeign(origin: BlockOrigin): boolean {
    return !this.isCurrent(origin) && this.#readerOf(origin).isForeign
  }

  /** Throws `CODEC_FAILED`, and `CHECKPOINT_INCOMPATIBLE` for a codec that is not known. */
  read(records: BlockRecords, record: number): T {
    const reader = this.#readerOf(records.origin)
    const input = records.value(record)
    let value
    try {
      value = reader.read(input) as T
    } catch (cause) {
      throw this.#refusal(records, record, describeError(cause), cause)
    }
    if (input.remaining > 0) throw this.#refusal(records, record, 'it does not end where the value ends')
    return value
  }

  #readerOf({ codecId, codecVersion }: BlockOrigin): ReturnType<typeof readerOf> {
    const id = `${codecVersion} ${codecId}`
    let reader = this.#readers.get(id)
    if (reader === undefined) {
      reader = readerOf(this.#spec, { codec: codecId, version: codecVersion })
      this.#readers.set(id, reader)
    }
    return reader
  }

  #refusal(records: BlockRecords, record: number, finding: string, cause?: unknown): MillraceError {
    const { owner, name, codec } = this.#spec
    return new MillraceError(
      'CODEC_FAILED',
      `${records.place}: operator ${owner}, state ${name}: the value under key ${String(records.inner(record))} ` +
        `cannot be decoded by codec ${codec.id}: ${finding}`,
      { cause, place: owner },
    )
  }
}
