import { parseJson, type Source } from '@millrace/core'
import { FileSource, type Paths, type ReadOptions } from './file-source.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { lineEnd, noRecord, type RecordDecoder } from './record-decoder.ts'

/** How to read JSON lines. */
export interface ReadJsonOptions<T> extends ReadOptions {
  /**
   * Makes the record of a parsed line, and throws if it is none. Without it the line is trusted to be what the type
   * says.
   */
  readonly parse?: (value: unknown) => T
}

/**
 * Reads files with one JSON value to a line (NDJSON). Empty lines are passed over.
 *
 * A line that is no JSON, is nested more than 512 levels deep or holds an integer that a number cannot hold exactly is
 * a failure of that record; what becomes of it says the stream's error policy.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * p.from('payments', readJson<Payment>('inbox/*.ndjson'))
 */
export function readJson<T>(paths: Paths, options: ReadJsonOptions<T> = {}): Source<T, FilePosition> {
  const { parse = (value) => value as T } = options
  const decoder = (): RecordDecoder<T> => new JsonDecoder(parse)
  return new FileSource(paths, { encoding: options.encoding ?? 'utf8', decoder }, options)
}

class JsonDecoder<T> implements RecordDecoder<T> {
  readonly head = null
  readonly innerLines = 0
  readonly #parse: (value: unknown) => T

  constructor(parse: (value: unknown) => T) {
    this.#parse = parse
  }

  begin(): void {}

  end(page: Page, start: number): number {
    return lineEnd(page, start)
  }

  decode(page: Page, start: number, end: number): T | typeof noRecord {
    const text = page.text(start, end)
    if (text.length === 0 || (text.charCodeAt(0) <= 0x20 && text.trim() === '')) return noRecord
    return this.#parse(parseJson(text))
  }
}
