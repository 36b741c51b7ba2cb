import type { Sink } from '@millrace/core/connector'
import { describeCases, sinkConformance, type SimFs, type SinkSubject } from '@millrace/testkit'
import { describe, test } from 'vitest'
import { writeNdjson } from './ndjson.ts'
import { writeLines } from './lines.ts'
import { writeCsv } from './write-csv.ts'

const features = { guarantee: 'exactly-once', keepsFiles: true, severalSubtasks: true } as const

/** The lines that a reader of the directory would see, by file. */
function linesIn(fs: SimFs): string[] {
  return fs
    .paths()
    .filter((path) => /^\/out\/[^.]/.test(path))
    .flatMap((path) => {
      const text = Buffer.from(fs.peek(path)!).toString()
      if (text !== '' && !text.endsWith('\n')) throw new Error(`${path} ends in the middle of a line`)
      return text.split('\n').slice(0, -1)
    })
}

function subject<T>(
  sink: () => Sink<T>,
  record: (number: number) => T,
  numberOf: (line: string) => number | undefined,
): SinkSubject<T> {
  return {
    sink,
    record,
    visible: (fs) => Promise.resolve(linesIn(fs).flatMap((line) => numberOf(line) ?? [])),
  }
}

describeCases(
  'writeNdjson to one file',
  sinkConformance({
    features,
    unwritable: () => ({ n: 1n as unknown as number }),
    create: async () =>
      subject(
        () => writeNdjson<{ n: number }>('out/numbers.ndjson'),
        (n) => ({ n }),
        (line) => (JSON.parse(line) as { n: number }).n,
      ),
  }),
  { describe, test },
)

describeCases(
  'writeLines to rolling files',
  sinkConformance({
    features,
    unwritable: () => 'two\nlines',
    create: async () => subject(() => writeLines('out/numbers.txt', { rollBytes: 1 }), String, Number),
  }),
  { describe, test },
)

describeCases(
  'writeCsv to one file',
  sinkConformance({
    features,
    unwritable: () => ({ n: 1, text: '\ud800' }),
    create: async () =>
      subject(
        () => writeCsv<{ n: number; text: string }>('out/numbers.csv'),
        (n) => ({ n, text: `"${n}"` }),
        (line) => (line === 'n,text' ? undefined : Number(line.split(',')[0])),
      ),
  }),
  { describe, test },
)
