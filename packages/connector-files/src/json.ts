import { MillraceError, parseJson, type Sink, type Source } from '@millrace/core'
import type { FileCommittable } from './committable.ts'
import { FileSink, type WriteOptions } from './file-sink.ts'
import { FileSource, type Paths, type ReadOptions } from './file-source.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { noRecord, type RecordDecoder } from './record-decoder.ts'
import type { RecordEncoder } from './record-encoder.ts'

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
  return new FileSource(paths, decoder, options)
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
    return page.lineEnd(start)
  }

  decode(page: Page, start: number, end: number): T | typeof noRecord {
    const text = page.text(start, end)
    if (text.length === 0 || (text.charCodeAt(0) <= 0x20 && text.trim() === '')) return noRecord
    return this.#parse(parseJson(text))
  }
}

/**
 * Writes records as JSON, one to a line, exactly once.
 *
 * As in `JSON.stringify`, fields that are undefined are left out and `toJSON` is honoured. Numbers that JSON lacks are
 * kept visible: they are written as the texts `"NaN"`, `"Infinity"` and `"-Infinity"` (as Protocol Buffers
 * do), not as null. A bigint is refused, with the name of its field.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * alerts.to('alerts', writeJson('out/alerts.ndjson'))
 */
export function writeJson<T>(path: string, options: WriteOptions = {}): Sink<T, FileCommittable> {
  return new FileSink(path, { encoder: () => new JsonEncoder<T>() }, options)
}

class JsonEncoder<T> implements RecordEncoder<T> {
  encode(record: T): string {
    const text = textOf(record)
    if (text === undefined) {
      throw new MillraceError('SINK_FAILED', `it is ${typeof record}, which JSON lacks; map it to a value`)
    }
    return `${text}\n`
  }

  header(): string {
    return ''
  }

  resume(): void {}
}

function textOf(record: unknown): string | undefined {
  try {
    // Undefined for undefined, functions and symbols, whatever its type says.
    const text = JSON.stringify(record) as string | undefined
    // Looking for the null that a number may have become is cheaper than looking at every value on the way.
    return text?.includes('null') === true ? JSON.stringify(record, keepVisible) : text
  } catch (cause) {
    const field = bigintIn(record, '')
    if (field === undefined) throw cause
    const where = field === '' ? 'it' : `its field ${field.slice(1)}`
    throw new MillraceError(
      'SINK_FAILED',
      `${where} is a bigint, which JSON lacks; map it to text or a number`,
      {
        cause,
      },
    )
  }
}

function keepVisible(_name: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

/** The way to the first bigint in a value, such as `.items.3.id`. Called only when there is one, or a cycle. */
function bigintIn(value: unknown, path: string, above: readonly unknown[] = []): string | undefined {
  if (typeof value === 'bigint') return path
  if (typeof value !== 'object' || value === null || above.includes(value)) return undefined
  for (const [name, part] of Object.entries(value)) {
    const found = bigintIn(part, `${path}.${name}`, [...above, value])
    if (found !== undefined) return found
  }
  return undefined
}
