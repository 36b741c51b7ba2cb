import { gzipSync } from 'node:zlib'
import type { Source } from '@millrace/core/connector'
import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appendTo, FileWorld, SourceRun, type SplitMark } from '../test/file-world.ts'
import type { ReadOptions } from './read-options.ts'
import { readLines } from './lines.ts'
import { readCsv } from './read-csv.ts'

/**
 * A sequence of runs, each of which reads the available data, ends, and continues where the previous one
 * ended.
 */
class Runs<T> {
  readonly fs = new SimFs()
  readonly warnings: string[] = []
  readonly #source: () => Source<T>
  #marks: ReadonlyMap<string, SplitMark> = new Map()

  constructor(source: () => Source<T>) {
    this.#source = source
    this.fs.put('in', '')
  }

  /** Appends to the file, and returns what the next run reads. */
  async next(content: string | Uint8Array): Promise<readonly T[]> {
    await appendTo(this.fs, 'in', content)
    const world = new FileWorld(this.fs, true)
    const run = new SourceRun(this.#source(), world.context)
    await run.restore(this.#marks)
    await run.discover()
    try {
      await run.readToEnd(3)
    } finally {
      this.warnings.push(...world.warnings)
      await run.close()
    }
    this.#marks = new Map(
      Array.from(run.marks(), ([split, { position }]) => [split, { position, isFinished: false }]),
    )
    return run.values
  }
}

const linesBy = (options: ReadOptions) => () => readLines('in', options)
const chunks = [1, 2, 3, 1_000]

describe('a last line without a line end', () => {
  test.each(['\n3\n', '\r\n3\n', '\r3\n'])(
    'is a record of the run that ends there, and its line end may arrive later: %j',
    async (more) => {
      for (const chunkBytes of chunks) {
        const runs = new Runs(linesBy({ chunkBytes }))
        expect(await runs.next('1\n2')).toEqual(['1', '2'])
        expect(await runs.next('')).toEqual([])
        expect(await runs.next(more)).toEqual(['3'])
        expect(await runs.next('4')).toEqual(['4'])
        expect(runs.warnings).toEqual([])
      }
    },
  )

  test('may end with a carriage return whose line feed arrives later', async () => {
    for (const lineEnds of ['any', 'lf'] as const) {
      const runs = new Runs(linesBy({ lineEnds }))
      expect(await runs.next('1')).toEqual(['1'])
      expect(await runs.next('\r')).toEqual([])
      expect(await runs.next('\n2\n')).toEqual(['2'])
    }
  })

  test.each(['2\n3\n', '2', ' \r\n', '2\r'])(
    'that has grown stops the next run, with its place and the options: %j',
    async (more) => {
      for (const chunkBytes of chunks) {
        const runs = new Runs(linesBy({ chunkBytes }))
        await runs.next('1\n2')
        await expect(runs.next(more)).rejects.toMatchObject({
          code: 'SOURCE_FAILED',
          message: expect.stringMatching(
            /^in line 2, byte 3: the line was read when the file ended here, .*lastLine: 'leave'.*ifLineGrew: 'skip'/,
          ),
        })
      }
    },
  )

  test("that has grown is skipped with one warning with ifLineGrew: 'skip'", async () => {
    for (const chunkBytes of chunks) {
      const runs = new Runs(linesBy({ chunkBytes, ifLineGrew: 'skip' }))
      await runs.next('1\n2')
      expect(await runs.next('2222\r\n3\n')).toEqual(['3'])
      expect(runs.warnings).toEqual([
        expect.stringMatching(/^in line 2, byte 3: .*; the rest of the line is skipped$/),
      ])
      expect(await runs.next('4')).toEqual(['4'])
      expect(await runs.next('44')).toEqual([])
      expect(await runs.next('44')).toEqual([])
      expect(await runs.next('\n5\n')).toEqual(['5'])
      expect(runs.warnings).toHaveLength(3)
    }
  })

  test("is left to the next run with lastLine: 'leave'", async () => {
    for (const chunkBytes of chunks) {
      const runs = new Runs(linesBy({ chunkBytes, lastLine: 'leave' }))
      expect(await runs.next('1\n2')).toEqual(['1'])
      expect(await runs.next('2')).toEqual([])
      expect(await runs.next('2\n3')).toEqual(['222'])
      expect(await runs.next('\n')).toEqual(['3'])
    }
  })

  test('of a CSV file: a header that has grown stops the next run as a row does', async () => {
    for (const begun of ['a,b', 'a,b\n1,2', 'a,b\n1,"x\n']) {
      const runs = new Runs(() => readCsv('in'))
      await runs.next(begun)
      await expect(runs.next('y",3\n')).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
    }
    const runs = new Runs(() => readCsv('in', { lastLine: 'leave' }))
    expect(await runs.next('a,b\n1,"x\n')).toEqual([])
    expect(await runs.next('y"\n')).toEqual([{ a: '1', b: 'x\ny' }])
  })

  test('of a gzip file: an appended member ends it', async () => {
    const runs = new Runs(linesBy({}))
    expect(await runs.next(gzipSync('1\n2'))).toEqual(['1', '2'])
    expect(await runs.next(gzipSync('\n3\n'))).toEqual(['3'])
    expect(await runs.next(gzipSync('4\n'))).toEqual(['4'])
    await runs.next(gzipSync('5'))
    await expect(runs.next(gzipSync('5'))).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })

  test('of UTF-16: half a character that is completed later counts as a line that has grown', async () => {
    const text = Buffer.from('1\nü\n2\n', 'utf16le')
    for (const cut of [5, 6]) {
      const runs = new Runs(linesBy({ encoding: 'utf16le', ifLineGrew: 'skip' }))
      await runs.next(text.subarray(0, cut))
      expect(await runs.next(text.subarray(cut))).toEqual(['2'])
      expect(runs.warnings).toHaveLength(cut === 5 ? 1 : 0)
    }
  })

  test('of a followed file is read when the file is finished, whatever lastLine says', async () => {
    const fs = new SimFs()
    fs.put('in', '1\n2')
    const world = new FileWorld(fs, false)
    const run = new SourceRun(readLines('in', { follow: true, lastLine: 'leave' }), world.context)
    await run.discover()
    await world.pass(0)
    await fs.remove('in')
    for (let second = 0; second < 10; second++) {
      await world.pass(1_000)
      run.poll()
    }
    expect(run.values).toEqual(['1', '2'])
  })
})

describe('runs that end at any byte', () => {
  const parts = fc.array(fc.constantFrom('a', 'ü', '\r', '\n', '\r\n'), { maxLength: 30 })
  const cuts = fc.array(fc.nat(60), { maxLength: 5 })
  const encodings = fc.constantFrom('utf8' as const, 'utf16le' as const)
  const chunkBytes = fc.integer({ min: 1, max: 9 })

  function pieces(content: Buffer, at: readonly number[]): Buffer[] {
    const bounds = [0, ...at.filter((cut) => cut < content.length).sort((a, b) => a - b), content.length]
    return bounds.slice(1).map((end, index) => content.subarray(bounds[index], end))
  }

  test("with lastLine: 'leave' read every complete line once", async () => {
    await fc.assert(
      fc.asyncProperty(parts, cuts, encodings, chunkBytes, async (texts, at, encoding, bytes) => {
        const text = texts.join('')
        const runs = new Runs(linesBy({ lastLine: 'leave', encoding, chunkBytes: bytes }))
        const values: string[] = []
        for (const piece of pieces(Buffer.from(text, encoding), at)) values.push(...(await runs.next(piece)))
        expect(values).toEqual(text.split(/\r\n|\r|\n/).slice(0, -1))
      }),
      { numRuns: 200 },
    )
  })

  test("with lastLine: 'read' read every line once, or stop where one has grown", async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.nat(60), chunkBytes, async (texts, cut, bytes) => {
        const text = texts.join('').replaceAll('ü', 'u')
        const [first, second] = [text.slice(0, cut), text.slice(cut)]
        const isGrown = /[^\r\n]$/.test(first) && /^[^\r\n]/.test(second)
        const runs = new Runs(linesBy({ chunkBytes: bytes }))
        const values = await runs.next(first)
        if (isGrown) {
          await expect(runs.next(second)).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
          return
        }
        const lines = text.split(/\r\n|\r|\n/)
        if (lines.at(-1) === '') lines.pop()
        expect([...values, ...(await runs.next(second))]).toEqual(lines)
      }),
      { numRuns: 300 },
    )
  })
})
