import { decodeText, JsonReader, parserOf, type Schema, type Source } from '@millrace/core/connector'
import { noRecord, StdinSource, type LineDecoder, type StdinOptions } from './stdin-source.ts'
import { standardInput } from './process-streams.ts'

/**
 * Returns a source that reads standard input: one record per line, without line ends.
 *
 * A last line without a line feed counts. A line that is not UTF-8 or too long is a failure with its line and
 * byte. The job ends when the input ends.
 *
 * The source is volatile: it cannot read again, so a new process continues with the next line it receives.
 *
 * Throws `OPTION_INVALID` for invalid options.
 *
 * @example
 * p.from('words', stdio.readLines()).to('out', stdio.writeLines())
 * // seq 3 | millrace run words.ts
 */
export function readLines(options: StdinOptions = {}): Source<string, null> {
  return new StdinSource(standardInput, decodeTextLine, options)
}

/**
 * Returns a source that reads standard input: one JSON value per line. Blank lines are skipped; a line that is not
 * JSON is a failure. Otherwise like `readLines`.
 *
 * @example
 * p.from('payments', stdio.readNdjson<Payment>())
 * // millrace run payments.ts < payments.ndjson
 */
export function readNdjson<T>({ schema, ...options }: ReadNdjsonOptions<T> = {}): Source<T, null> {
  const parse = parserOf(schema)
  const json = new JsonReader()
  const decode: LineDecoder<T> = (bytes) => {
    const value = decodeJsonLine(bytes, json)
    return value === noRecord ? noRecord : parse(value)
  }
  return new StdinSource(standardInput, decode, options)
}

/** How JSON lines of standard input are read. */
export interface ReadNdjsonOptions<T> extends StdinOptions {
  /**
   * What a record looks like: the type is inferred from it, and a line that does not fit is a failure of that record.
   * Without it the line is trusted to be what the type says.
   */
  readonly schema?: Schema<T>
}

/** Decodes a line without its carriage return. */
export const decodeTextLine: LineDecoder<string> = (bytes) =>
  decodeText(bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes)

/** Parses a line, unless it is blank. */
export function decodeJsonLine(bytes: Uint8Array, json: JsonReader = new JsonReader()): unknown {
  const content = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes
  return isBlank(content) ? noRecord : json.decode(content)
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false
  return true
}
