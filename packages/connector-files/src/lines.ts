import { MillraceError } from '@millrace/core'
import type { Sink, Source, TextBuffer } from '@millrace/core/connector'
import type { FileCommittable } from './committable.ts'
import { FileSink, type WriteOptions } from './file-sink.ts'
import { FileSource } from './file-source.ts'
import type { Paths, ReadOptions } from './read-options.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import type { RecordDecoder } from './record-decoder.ts'
import type { RecordEncoder } from './record-encoder.ts'
import { requireWellFormed } from './well-formed.ts'

/**
 * Returns a source that reads text files line by line. A record is a line without its line end (LF, CRLF or
 * CR); an empty line is a record.
 *
 * Throws `OPTION_INVALID` for an invalid path or option.
 *
 * @example
 * p.from('log', files.readLines('/var/log/auth.log', { follow: true }))
 */
export function readLines(paths: Paths, options: ReadOptions = {}): Source<string, FilePosition> {
  const decoder = (): RecordDecoder<string> => new LineDecoder()
  return new FileSource(paths, decoder, options)
}

class LineDecoder implements RecordDecoder<string> {
  readonly head = null
  readonly innerLines = 0

  begin(): void {}

  end(page: Page, start: number): number {
    return page.lineEnd(start)
  }

  decode(page: Page, start: number, end: number): string {
    return page.text(start, end)
  }
}

/**
 * Returns a sink that writes text line by line, exactly once. A record with a line break is rejected: it
 * would be read as two.
 *
 * Throws `OPTION_INVALID` for an invalid path or option.
 *
 * @example
 * words.to('words', files.writeLines('out/words.txt'))
 */
export function writeLines(path: string, options: WriteOptions = {}): Sink<string, FileCommittable> {
  return new FileSink(path, { encoder: () => new LineEncoder() }, options)
}

class LineEncoder implements RecordEncoder<string> {
  encode(record: string, out: TextBuffer): void {
    if (typeof record !== 'string') {
      throw new MillraceError('SINK_FAILED', `it is a ${typeof record}, not a string; map it to a string`)
    }
    if (/[\n\r]/.test(record)) {
      throw new MillraceError('SINK_FAILED', 'it contains a line break; replace it, or use writeNdjson')
    }
    out.text(`${requireWellFormed(record)}\n`)
  }

  header(): string {
    return ''
  }

  resume(): boolean {
    return true
  }
}
