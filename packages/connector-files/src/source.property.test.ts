import { gzipSync } from 'node:zlib'
import type { Source } from '@millrace/core/connector'
import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FileWorld, readAll, SourceRun, type SplitMark } from '../test/file-world.ts'
import { rowOf } from './csv-row.ts'
import { readLines } from './lines.ts'
import { readCsv } from './read-csv.ts'
import type { Encoding } from './text-format.ts'

const path = 'in.txt'
const word = fc.string({ unit: fc.constantFrom('a', 'ü', '😀', '"', ',', ' ', '\r', '\0'), maxLength: 12 })
const cut = fc.record({ chunkBytes: fc.integer({ min: 1, max: 30 }), limit: fc.integer({ min: 1, max: 5 }) })

/** The text without characters that the encoding lacks. */
function textIn(encoding: Encoding, text: string): string {
  if (encoding.startsWith('utf')) return text
  return text.replaceAll(encoding === 'latin1' ? /[^\0-\xff]/gu : /[^\0-\xff€]/gu, '')
}

function bytesIn(encoding: Encoding, text: string): Buffer {
  if (encoding === 'windows-1252') return Buffer.from(text.replaceAll('€', '\x80'), 'latin1')
  return encoding === 'utf16be' ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, encoding)
}

/** The expected lines of the whole text. */
function linesIn(encoding: Encoding, text: string): string[] {
  const lines = text.replace(encoding.startsWith('utf') ? /^\uFEFF/ : /^$/, '').split(/\r\n|\r|\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/** Reads a file in pieces, and restarts from its position as `restarts` says. */
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

  test('EN-213 EN-239 every line is read once and in order, for any chunks and any restarts', async () => {
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
          const source = () => readLines(path, { chunkBytes, lineEnds: 'lf' })
          const values = await readWithRestarts(fs, source, limit, stops)
          expect(values).toEqual(lines.map((line) => `${line}x`))
        },
      ),
      { numRuns: 150 },
    )
  })

  test('EN-213 every line is read once and in order in every encoding, with any line ends', async () => {
    const part = fc.constantFrom('a', 'ü', '€', '😀', '\0', ' ', '\uFEFF', '\r', '\n', '\r\n')
    const encoded = fc.constantFrom<Encoding>('utf8', 'utf16le', 'utf16be', 'windows-1252', 'latin1')
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 60 }),
        encoded,
        cut,
        restarts,
        fc.boolean(),
        async (parts, encoding, { chunkBytes, limit }, stops, isPacked) => {
          const text = textIn(encoding, parts.join(''))
          const content = bytesIn(encoding, text)
          const fs = new SimFs()
          fs.put(path, isPacked ? gzipSync(content) : content)
          const source = () => readLines(path, { chunkBytes, encoding })
          const values = await readWithRestarts(fs, source, limit, stops)
          expect(values).toEqual(linesIn(encoding, text))
        },
      ),
      { numRuns: 400 },
    )
  })

  test('places count bytes of the file in every encoding', async () => {
    for (const encoding of ['utf8', 'utf16le', 'utf16be', 'windows-1252'] as const) {
      const text = textIn(encoding, '\uFEFFa\r\nü😀€\n\rb')
      const fs = new SimFs()
      fs.put(path, bytesIn(encoding, text))
      const { taken } = await readAll(readLines(path, { encoding, chunkBytes: 3 }), fs)
      const lines = linesIn(encoding, text)
      let [at, line] = [text.indexOf('a'), 0]
      for (const { value, place } of taken) {
        expect(value).toBe(lines[line++])
        expect(place).toBe(`${path} line ${line}, byte ${bytesIn(encoding, text.slice(0, at)).length}`)
        at += value!.length + /^\r?\n|^\r|^/.exec(text.slice(at + value!.length))![0].length
      }
    }
  })

  test('readCsv reads the output of rowOf, for any chunks and any restarts', async () => {
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
          const text = [['a', 'b', 'c'], ...table].map((row) => rowOf(row, separator)).join('')
          const encoding = table.length % 2 === 0 ? 'utf8' : 'utf16be'
          fs.put(path, bytesIn(encoding, text))
          const source = () => readCsv(path, { chunkBytes, separator, encoding })
          const values = await readWithRestarts(fs, source, limit, stops)
          expect(values).toEqual(table.map(([a, b, c]) => ({ a, b, c })))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('F14 no bytes make reading fail or lose its position', async () => {
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
        expect(run.values).toEqual(linesIn('latin1', Buffer.from(content).toString('latin1')))
        expect(strict.values.length + strict.failures.length).toBe(run.values.length)
        const wide = await readAll(readLines(path, { chunkBytes, encoding: 'utf16le' }), fs, limit)
        expect(wide.origins.every((origin) => origin.raw(0) !== undefined)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
