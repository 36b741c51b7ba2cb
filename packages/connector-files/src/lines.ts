import type { Source } from '@millrace/core'
import { FileSource, type Paths, type ReadOptions } from './file-source.ts'
import type { Page } from './page.ts'
import type { FilePosition } from './position.ts'
import { lineEnd, type RecordDecoder } from './record-decoder.ts'

/**
 * Reads text files line by line. A record is a line without its ending, `\n` or `\r\n`; an empty line is a record.
 *
 * Throws `OPTION_INVALID` for a path or an option that makes no sense.
 *
 * @example
 * p.from('log', readLines('/var/log/auth.log', { follow: true }))
 */
export function readLines(paths: Paths, options: ReadOptions = {}): Source<string, FilePosition> {
  const decoder = (): RecordDecoder<string> => new LineDecoder()
  return new FileSource(paths, { encoding: options.encoding ?? 'utf8', decoder }, options)
}

class LineDecoder implements RecordDecoder<string> {
  readonly head = null
  readonly innerLines = 0

  begin(): void {}

  end(page: Page, start: number): number {
    return lineEnd(page, start)
  }

  decode(page: Page, start: number, end: number): string {
    return page.text(start, end)
  }
}
