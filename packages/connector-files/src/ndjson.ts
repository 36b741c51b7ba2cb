import {
  JsonReader,
  JsonWriter,
  parserOf,
  type Schema,
  type Sink,
  type Source,
  type TextBuffer,
} from '@millrace/core/connector'
import type { FileCommittable } from './committable.ts'
import { FileSink, type WriteOptions } from './file-sink.ts'
import { FileSource } from './file-source.ts'
import type { Paths, ReadOptions } from './read-options.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { noRecord, type RecordDecoder } from './record-decoder.ts'
import type { RecordEncoder } from './record-encoder.ts'

/** How to read JSON lines. */
export interface ReadNdjsonOptions<T> extends ReadOptions {
  /**
   * What a record looks like: the type is inferred from it, and a line that does not fit is a failure of that record.
   * Without it the line is trusted to be what the type says.
   */
  readonly schema?: Schema<T>
}

/**
 * Reads files with one JSON value to a line (NDJSON). Empty lines are passed over.
 *
 * A line that is no JSON, is nested more than 512 levels deep or holds a number that JavaScript cannot (an integer that
 * would be rounded, or 1e999) is a failure of that record, which the stream's error policy handles.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * p.from('payments', files.readNdjson<Payment>('inbox/*.ndjson'))
 * p.from('orders', files.readNdjson('orders.ndjson', { schema: z.object({ id: z.number() }) }))
 */
export function readNdjson<T>(paths: Paths, options: ReadNdjsonOptions<T> = {}): Source<T, FilePosition> {
  const parse = parserOf(options.schema)
  const reader = new JsonReader()
  const decoder = (): RecordDecoder<T> => new JsonDecoder(parse, reader)
  return new FileSource(paths, decoder, options)
}

class JsonDecoder<T> implements RecordDecoder<T> {
  readonly head = null
  readonly innerLines = 0
  readonly #parse: (value: unknown) => T
  readonly #reader: JsonReader
  /** The record whose end was found by reading it; undefined if there is none. */
  #value: unknown

  /** Decoders of one source share `reader`, which learns what its records look like. */
  constructor(parse: (value: unknown) => T, reader: JsonReader) {
    this.#parse = parse
    this.#reader = reader
  }

  begin(): void {}

  end(page: Page, start: number): number {
    const { bytes } = page
    const value = page.isUtf8 ? this.#reader.read(bytes, start, bytes.length) : undefined
    const end = value === undefined ? -1 : page.lineEndAt(this.#reader.end)
    this.#value = end === -1 ? undefined : value
    return end === -1 ? page.lineEnd(start) : end
  }

  decode(page: Page, start: number, end: number): T | typeof noRecord {
    const value = this.#value
    this.#value = undefined
    if (value !== undefined) return this.#parse(value)
    const text = page.text(start, end)
    if (text.length === 0 || (text.charCodeAt(0) <= 0x20 && text.trim() === '')) return noRecord
    return this.#parse(this.#reader.parse(text))
  }
}

/**
 * Writes records as JSON, one to a line, exactly once.
 *
 * As in `JSON.stringify`, fields that are undefined are left out and `toJSON` is honoured. A record with NaN, an
 * infinity or a bigint, which JSON cannot hold, is refused with the path of the field.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * alerts.to('alerts', files.writeNdjson('out/alerts.ndjson'))
 */
export function writeNdjson<T>(path: string, options: WriteOptions = {}): Sink<T, FileCommittable> {
  return new FileSink(path, { encoder: () => new JsonEncoder<T>() }, options)
}

class JsonEncoder<T> implements RecordEncoder<T> {
  readonly #json = new JsonWriter()

  encode(record: T, out: TextBuffer): void {
    this.#json.write(record, out)
    out.text('\n')
  }

  header(): string {
    return ''
  }

  resume(): boolean {
    return true
  }
}
