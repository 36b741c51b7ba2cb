import { gzipSync } from 'node:zlib'
import type { Source } from '@millrace/core/connector'
import {
  describeCases,
  sourceConformance,
  type SimFs,
  type SourceFeatures,
  type SourceSubject,
} from '@millrace/testkit'
import { describe, test } from 'vitest'
import { readNdjson } from './ndjson.ts'
import { readLines } from './lines.ts'
import { readCsv } from './read-csv.ts'

/** Files on the disk, and the records read from each. */
type Files<T> = Readonly<
  Record<string, { readonly content: string | Uint8Array; readonly records: readonly T[] }>
>

async function subject<T>(
  fs: SimFs,
  files: Files<T>,
  source: () => Source<T>,
  rest: Partial<SourceSubject<T>> = {},
): Promise<SourceSubject<T>> {
  const splits = new Map<string, readonly T[]>()
  for (const [path, { content, records }] of Object.entries(files)) {
    fs.put(path, content)
    splits.set((await fs.stat(path))!.identity, records)
  }
  return { source, splits, ...rest }
}

const features: SourceFeatures = {
  durability: 'replayable',
  ends: true,
  severalSplits: true,
  failures: true,
  grows: true,
  acknowledges: false,
}

const appending =
  (fs: SimFs, text: (record: never) => string) =>
  async (split: string, records: readonly unknown[]): Promise<void> => {
    for (const path of fs.paths()) {
      if ((await fs.stat(path))?.identity !== split) continue
      const file = await fs.open(path, 'append')
      for (const record of records) await file.write(Buffer.from(text(record as never)))
      await file.close()
    }
  }

for (const chunkBytes of [5, 64, 10_000]) {
  const create = async (fs: SimFs): Promise<SourceSubject<string>> => {
    const bad = Uint8Array.from([0x61, 0x0a, 0xff, 0x0a, 0x0a, 0x62, 0x0a])
    const files = {
      'in/a.log': {
        content: 'one\r\ntwo\n\nthree and more\nfive\n',
        records: ['one', 'two', '', 'three and more', 'five'],
      },
      'in/b.log': { content: bad, records: ['a', '', 'b'] },
    }
    const failures = new Map<string, number>()
    const made = await subject<string>(fs, files, () => readLines('in/*.log', { chunkBytes, follow: true }), {
      failures,
      more: ['six', 'seven'],
      append: appending(fs, (line: string) => `${line}\n`),
    })
    failures.set((await fs.stat('in/b.log'))!.identity, 1)
    return made
  }
  describeCases(`readLines, ${chunkBytes} bytes at a time`, sourceConformance({ create, features }), {
    describe,
    test,
  })
}

describeCases(
  'readNdjson',
  sourceConformance<unknown>({
    features,
    async create(fs) {
      const failures = new Map<string, number>()
      const files = {
        'a.ndjson': { content: '{"n":1}\n\n{"n":\n{"n":2}\n[3]\n', records: [{ n: 1 }, { n: 2 }, [3]] },
        'b.ndjson': { content: '1\n2\n3', records: [1, 2, 3] },
      }
      const made = await subject<unknown>(
        fs,
        files,
        () => readNdjson('*.ndjson', { follow: true, chunkBytes: 7 }),
        {
          failures,
          more: [{ n: 4 }],
          append: appending(fs, (value: unknown) => `${JSON.stringify(value)}\n`),
        },
      )
      failures.set((await fs.stat('a.ndjson'))!.identity, 1)
      return made
    },
  }),
  { describe, test },
)

describeCases(
  'readCsv',
  sourceConformance<unknown>({
    features: { ...features, severalSplits: false },
    async create(fs) {
      const content = 'a,b\n1,"x\ny"\n2\n\n3,"z"""\n4,5\n'
      const records = [
        { a: '1', b: 'x\ny' },
        { a: '3', b: 'z"' },
        { a: '4', b: '5' },
      ]
      const failures = new Map<string, number>()
      const made = await subject<unknown>(
        fs,
        { 'a.csv': { content, records } },
        () => readCsv('a.csv', { follow: true, chunkBytes: 3 }),
        {
          failures,
          more: [{ a: '6', b: '"\n' }],
          append: appending(fs, () => '6,"""\n"\n'),
        },
      )
      failures.set((await fs.stat('a.csv'))!.identity, 1)
      return made
    },
  }),
  { describe, test },
)

describeCases(
  'readLines of gzip files',
  sourceConformance({
    features: { ...features, failures: false, grows: false },
    create: (fs) => {
      const files = {
        'a.gz': { content: gzipSync('one\ntwo\nthree\nfour'), records: ['one', 'two', 'three', 'four'] },
        'b.gz': { content: gzipSync('five\nsix\n'), records: ['five', 'six'] },
      }
      const source = () => readLines('*.gz', { follow: true, chunkBytes: 8 })
      // zlib uses its own threads.
      return subject<string>(fs, files, source, { worksOutside: true })
    },
  }),
  { describe, test },
)
