import type { Json } from '@millrace/core'
import type { Sink } from '@millrace/core/connector'
import { SimFs, simPlatform } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SinkRun } from '../test/sink-run.ts'
import type { WriteOptions } from './file-sink.ts'
import { writeNdjson } from './ndjson.ts'
import { writeLines } from './lines.ts'
import { writeCsv } from './write-csv.ts'

/** Text with special characters. */
const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.constantFrom(
      '',
      '"',
      '\n',
      '\r',
      '\r\n',
      ',',
      '\uFEFF',
      ' ',
      '""',
      'a\n"b',
      '\uFEFF"',
      '\u2028',
      '__proto__',
    ),
    fc
      .array(fc.constantFrom('"', '\n', '\r', ',', ';', '\uFEFF', 'x', ' ', '\0'), { maxLength: 5 })
      .map((all) => all.join('')),
  )
  .filter((each) => !/\p{Surrogate}/u.test(each))

/** Where the process dies in each run: after how many operations, and whether the power is lost too. */
const crashes = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), { maxLength: 4 })

interface Manifest {
  readonly next: number
  readonly pending: readonly Json[]
}

/** Writes records, with a checkpoint after every two, until all are visible or the disk crashes. */
async function live<T>(sink: Sink<T>, fs: SimFs, records: readonly T[], from: Manifest): Promise<Manifest> {
  let manifest = from
  try {
    const run = await SinkRun.open(sink, fs, from.pending)
    for (let next = from.next; next < records.length; next += 2) {
      await run.write(...records.slice(next, next + 2))
      const committable = await run.prepare()
      manifest = { next: next + 2, pending: [committable] }
      await run.commit(committable)
    }
    await run.close()
  } catch (error) {
    if (!fs.hasCrashed) throw error
  }
  return manifest
}

/** The content of all visible files, by file. */
function outputOf(fs: SimFs): string {
  const paths = fs.paths().filter((path) => /^\/out\/[^.]/.test(path))
  return paths.map((path) => `${path}\n${Buffer.from(fs.peek(path)!).toString()}`).join('\n')
}

/** The output is the same, however often the process dies. */
async function isResumed<T>(
  makeSink: () => Sink<T>,
  records: readonly T[],
  deaths: readonly (readonly [number, boolean])[],
): Promise<void> {
  const calm = new SimFs()
  const nothing = { next: 0, pending: [] }
  await live(makeSink(), calm, records, nothing)
  let fs = new SimFs()
  let manifest: Manifest = nothing
  for (const [operation, isPowerLost] of deaths) {
    fs.crashAt(operation)
    manifest = await live(makeSink(), fs, records, manifest)
    fs = isPowerLost ? fs.afterPowerLoss(simPlatform({ seed: operation }).random) : fs.afterKill()
  }
  await live(makeSink(), fs, records, manifest)
  expect(outputOf(fs)).toBe(outputOf(calm))
  expect(fs.paths().filter((path) => path.includes('/.'))).toEqual([])
}

describe('a sink resumes any file that it has written, wherever the process died', () => {
  const growing = fc.constant<WriteOptions>({})

  test('CSV with any columns and values', async () => {
    const columns = fc.uniqueArray(text, { minLength: 0, maxLength: 4 })
    const table = columns.chain((names) =>
      fc.record({
        names: fc.constant(names),
        rows: fc.array(fc.array(text, { minLength: names.length, maxLength: names.length }), {
          maxLength: 9,
        }),
        isNamed: fc.boolean(),
        separator: fc.constantFrom(',', ';', '\t'),
      }),
    )
    await fc.assert(
      fc.asyncProperty(table, crashes, async ({ names, rows, isNamed, separator }, deaths) => {
        const records = rows.map((row) =>
          Object.fromEntries(names.map((name, index) => [name, row[index]!] as const)),
        )
        const options = { separator, ...(isNamed ? { columns: names } : {}) }
        await isResumed(() => writeCsv<Record<string, string>>('out/a.csv', options), records, deaths)
      }),
      { numRuns: 150 },
    )
  })

  test('CSV with a header longer than any buffer', async () => {
    const name = `"${'x,\n'.repeat(100_000)}"`
    const records = [1, 2, 3].map((value) => ({ [name]: value }))
    await isResumed(() => writeCsv<Record<string, number>>('out/a.csv'), records, [[9, false]])
  })

  test.each([
    ['in one file', growing],
    ['JSON with any values: %s', fc.constant<WriteOptions>({ rollBytes: 1 })],
  ])('JSON, whatever it holds: %s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.array(fc.jsonValue(), { maxLength: 9 }),
        crashes,
        async (way, records, deaths) => {
          await isResumed(() => writeNdjson<unknown>('out/a.ndjson', way), records, deaths)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('lines with any text', async () => {
    const line = text.filter((each) => !/[\r\n]/.test(each))
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 9 }), crashes, async (records, deaths) => {
        await isResumed(() => writeLines('out/a.txt'), records, deaths)
      }),
      { numRuns: 100 },
    )
  })
})
