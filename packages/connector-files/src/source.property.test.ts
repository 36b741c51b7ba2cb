import { gzipSync } from 'node:zlib'
import type { Source } from '@millrace/core'
import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FileWorld, readAll, SourceRun, type SplitMark } from '../test/file-world.ts'
import { rowOf } from './csv-row.ts'
import { readLines } from './lines.ts'
import { readCsv } from './read-csv.ts'

const path = 'in.txt'
const word = fc.string({ unit: fc.constantFrom('a', 'ü', '😀', '"', ',', ' ', '\r', '\0'), maxLength: 12 })
const cut = fc.record({ chunkBytes: fc.integer({ min: 1, max: 30 }), limit: fc.integer({ min: 1, max: 5 }) })

/** Reads a file bit by bit, and starts again from its position whenever `restarts` says so. */
async function readWithRestarts<T>(
  fs: SimFs,
  source: () => Source<T>,
  limit: number,
  restarts: readonly boolean[],
): Promise<readonly T[]> {
  const values: T[] = []
  let marks: ReadonlyMap<string, SplitMark> = new Map()
  for (let step = 0; ; step++) {
    const world = new FileWorld(fs, true, step)
    const run = new SourceRun(source(), world.context)
    await run.restore(marks)
    await run.discover()
    const isShort = restarts[step % restarts.length] === true
    while (run.openSplits > 0 && run.values.length < (isShort ? 1 : 7)) await run.pollOnce(limit)
    values.push(...run.values)
    expect(run.failures).toEqual([])
    marks = run.marks()
    await run.close()
    if (run.openSplits === 0) return values
  }
}

describe('reading', () => {
  const restarts = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 })

  test('EN-213 EN-239 every line comes once and in order, however the file is cut and wherever reading starts again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(word),
        cut,
        restarts,
        fc.boolean(),
        async (lines, { chunkBytes, limit }, stops, isPacked) => {
          const fs = new SimFs()
          const text = lines.map((line) => `${line}x\n`).join('')
          fs.put(path, isPacked ? gzipSync(text) : text)
          const values = await readWithRestarts(fs, () => readLines(path, { chunkBytes }), limit, stops)
          expect(values).toEqual(lines.map((line) => `${line}x`))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('what rowOf writes, readCsv reads, however the file is cut and wherever reading starts again', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', 'ü', '"', ',', ';', '\n', '\r', ' '), maxLength: 8 })
    const rows = fc.array(fc.tuple(field, field, field), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        rows,
        cut,
        restarts,
        fc.constantFrom(',', ';'),
        async (table, { chunkBytes, limit }, stops, separator) => {
          const fs = new SimFs()
          fs.put(path, [['a', 'b', 'c'], ...table].map((row) => rowOf(row, separator)).join(''))
          const source = () => readCsv(path, { chunkBytes, separator })
          const values = await readWithRestarts(fs, source, limit, stops)
          expect(values).toEqual(table.map(([a, b, c]) => ({ a, b, c })))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('F14 no bytes whatsoever make reading fail or lose its place', async () => {
    const bytes = fc
      .uint8Array({ maxLength: 200 })
      .map((random) => random.map((byte) => (byte % 5 === 0 ? 0x0a : byte)))
    await fc.assert(
      fc.asyncProperty(bytes, cut, async (content, { chunkBytes, limit }) => {
        fc.pre(content[0] !== 0x1f || content[1] !== 0x8b)
        const fs = new SimFs()
        fs.put(path, content)
        const run = await readAll(readLines(path, { chunkBytes, encoding: 'latin1' }), fs, limit)
        const strict = await readAll(readLines(path, { chunkBytes }), fs, limit)
        const expected = Buffer.from(content).toString('latin1').replace(/\n$/, '').split('\n')
        expect(run.values).toEqual(
          content.length === 0 ? [] : expected.map((line) => line.replace(/\r$/, '')),
        )
        expect(strict.values.length + strict.failures.length).toBe(run.values.length)
      }),
      { numRuns: 300 },
    )
  })
})
