import { gzipSync } from 'node:zlib'
import { SimFs } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { appendTo, FileWorld, SourceRun, truncate, type SplitMark } from '../test/file-world.ts'
import type { ReadOptions } from './read-options.ts'
import { readLines } from './lines.ts'

// A log is rotated while the job that follows it is down, or reads too slowly.

const lineOf = (n: number): string =>
  `2024-05-06T07:08:${String(n).padStart(6, '0')} request ${n} was answered`
const linesOf = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => lineOf(from + index))
const textOf = (from: number, to: number): string =>
  linesOf(from, to)
    .map((line) => `${line}\n`)
    .join('')

let fs: SimFs
let marks: ReadonlyMap<string, SplitMark>
let warnings: string[]
/** What all runs have read, without what a crash has undone. */
let values: string[]

beforeEach(async () => {
  fs = new SimFs()
  marks = new Map()
  warnings = []
  values = []
  fs.put('logs/app.log', textOf(0, 10))
  await live()
  expect(values).toEqual(linesOf(0, 10))
  await appendTo(fs, 'logs/app.log', textOf(10, 20))
})

/**
 * One run of the job: reads until no more data comes, or until `count` records were read, and makes a
 * checkpoint.
 */
async function live(options: ReadOptions = {}, count = Infinity): Promise<void> {
  const world = new FileWorld(fs, options.follow === false)
  const run = new SourceRun(
    readLines('logs/app.log', { follow: true, chunkBytes: 100, ...options }),
    world.context,
  )
  try {
    await run.restore(marks)
    await run.discover()
    for (let isDone = false; !isDone; isDone = run.isCaughtUp || run.values.length >= count) {
      if (count === Infinity) run.poll(7)
      else await run.pollOnce(1)
      // zlib uses its own threads.
      await world.turn()
      await world.pass(10)
    }
    values.push(...run.values)
    marks = new Map(
      Array.from(run.marks(), ([split, { position }]) => [split, { position, isFinished: false }]),
    )
  } finally {
    warnings.push(...world.warnings)
    await run.close()
  }
  expect(fs.openPaths()).toEqual([])
}

const lost = {
  code: 'SOURCE_FAILED',
  message: expect.stringMatching(/byte \d+; restore it, name .* archive, or set ifGone/),
}

describe('while the job was down', () => {
  test.each<[string, ReadOptions, () => Promise<void>]>([
    ['renamed in its directory', {}, () => fs.rename('logs/app.log', 'logs/app.log.1')],
    ['moved to an archive', { archive: 'logs/old' }, () => move('logs/old/app.log-1')],
    ['moved to where a pattern leads', { archive: 'archive/*/app.*' }, () => move('archive/2024/app.1')],
    ['copied and truncated', {}, () => copyAndCut('logs/app.log.1', (content) => content)],
    [
      'copied to an archive and truncated',
      { archive: ['a', 'logs/old'] },
      () => copyAndCut('logs/old/1', (content) => content),
    ],
    ['copied, compressed and truncated', {}, () => copyAndCut('logs/app.log.1.gz', gzipSync)],
    ['compressed and removed', { archive: 'old' }, () => replaceBy('old/app.log-1.gz', gzipSync)],
    [
      'copied to another disk and removed',
      { archive: 'old' },
      () => replaceBy('old/app.log-1', (content) => content),
    ],
  ])('a log was %s: its rest is read, and then the new log', async (_name, options, rotate) => {
    await rotate()
    await appendTo(fs, 'logs/app.log', textOf(20, 30))
    await live(options)
    expect(values.toSorted()).toEqual(linesOf(0, 30))
    await appendTo(fs, 'logs/app.log', textOf(30, 40))
    await live(options)
    expect(values.toSorted()).toEqual(linesOf(0, 40))
  })

  test.each([
    ['moved away', () => move('logs/old/app.log-1')],
    ['cut', () => truncate(fs, 'logs/app.log')],
    ['removed', () => fs.remove('logs/app.log')],
  ])(
    "a log was %s and cannot be found: the job stops, and with ifGone: 'skip' continues without the rest",
    async (_name, rotate) => {
      await rotate()
      await appendTo(fs, 'logs/app.log', textOf(20, 30))
      await expect(live()).rejects.toMatchObject(lost)
      await live({ ifGone: 'skip' })
      expect(values.toSorted()).toEqual([...linesOf(0, 10), ...linesOf(20, 30)])
      expect(warnings.at(-1)).toMatch(
        /logs\/app\.log (is missing, under every name|was truncated); .*; the rest is lost$/,
      )
    },
  )

  test('a log was truncated, and its copy is damaged or of another log: the job stops', async () => {
    await copyAndCut('logs/app.log.1.gz', (content) => gzipSync(content).subarray(0, 60))
    fs.put('logs/app.log.2', textOf(1_000, 1_040))
    fs.put('logs/app.log.3', textOf(0, 5))
    await expect(live()).rejects.toMatchObject(lost)
  })

  test('a copy is read across crashes, record by record', async () => {
    await copyAndCut('logs/app.log.1', (content) => content)
    await appendTo(fs, 'logs/app.log', textOf(20, 25))
    for (let lives = 0; values.length < 25 && lives < 40; lives++) await live({}, 1)
    expect(values).toEqual(linesOf(0, 25))
  })

  test('of several copies the newest is read', async () => {
    fs.put('logs/app.log.bak', textOf(0, 15))
    await copyAndCut('logs/app.log.1', (content) => content)
    await live()
    expect(values).toEqual(linesOf(0, 20))
    expect(warnings).toEqual([
      expect.stringMatching(/its rest is read from logs\/app\.log\.1, which holds the same$/),
    ])
  })

  test.each([
    ['logs/app.log.2', 'logs/app.log.1'],
    ['logs/app-01.log.gz', 'logs/app-02.log.gz'],
    ['logs/old/app.log-1', 'logs/old/app.log-2.gz'],
    ['logs/app.log.bak', 'logs/app.log.old'],
  ])(
    "a log was copied and truncated twice, to %s and %s: the content in between stops the job, and is skipped with ifGone: 'skip'",
    async (first, second) => {
      const pack = (path: string) => (content: Uint8Array) =>
        path.endsWith('.gz') ? gzipSync(content) : content
      await copyAndCut(first, pack(first))
      await appendTo(fs, 'logs/app.log', textOf(20, 30))
      await copyAndCut(second, pack(second))
      await appendTo(fs, 'logs/app.log', textOf(30, 40))
      const options = { archive: 'logs/old' }
      await expect(live(options)).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        place: second,
        message: expect.stringContaining('it may contain unread lines of that log'),
      })
      await live({ ...options, ifGone: 'skip' })
      expect(values).toEqual([...linesOf(0, 20), ...linesOf(30, 40)])
      expect(warnings.at(-1)).toContain(`${second} was written after logs/app.log had last been read`)
    },
  )

  test('a log was copied and truncated, and files of other logs are in its directory: the job continues', async () => {
    await copyAndCut('logs/app.log.1', (content) => content)
    await appendTo(fs, 'logs/app.log', textOf(20, 30))
    for (const name of [
      'app.log.err',
      'app.logs',
      'app2.log',
      'webapp.log.1',
      'app.json',
      'old/app2.log-1',
    ]) {
      fs.put(`logs/${name}`, textOf(50, 60))
    }
    // Copies of content that was read, and of the current content.
    fs.put('logs/app.log.2.gz', gzipSync(textOf(0, 20)))
    fs.put('logs/app.log.3', textOf(20, 25))
    await live({ archive: 'logs/old' })
    expect(values).toEqual(linesOf(0, 30))
  })

  test('a copy that the patterns match is read as a file of its own', async () => {
    await copyAndCut('logs/app.log.1', (content) => content)
    const world = new FileWorld(fs, true)
    const run = new SourceRun(readLines('logs/app.log*'), world.context)
    await run.restore(marks)
    await run.discover()
    await run.readToEnd()
    expect(run.values).toEqual(linesOf(0, 20))
    expect(world.warnings).toEqual([
      expect.stringMatching(/logs\/app\.log\.1 holds the same and is read as a file of its own$/),
    ])
  })

  test('another file with the same bytes before the position is recognized by its first bytes', async () => {
    const text = Buffer.from(fs.peek('logs/app.log')!)
    const read = textOf(0, 10).length
    await truncate(fs, 'logs/app.log')
    await appendTo(
      fs,
      'logs/app.log',
      Buffer.concat([Buffer.from('x'), text.subarray(1, read), Buffer.from(textOf(50, 51))]),
    )
    await expect(live()).rejects.toMatchObject(lost)
  })

  test('a run that does not follow finds the rest like one that follows', async () => {
    await move('logs/old/app.log-1')
    fs.put('logs/app.log', textOf(20, 30))
    await live({ follow: false, archive: 'logs/old' })
    expect(values.toSorted()).toEqual(linesOf(0, 30))
  })
})

describe('between two runs that do not follow', () => {
  const batch = { follow: false } as const

  beforeEach(async () => {
    await live(batch)
    warnings = []
    values = []
  })

  test('a file that was read to its end may be removed, with a warning', async () => {
    await fs.remove('logs/app.log')
    fs.put('logs/app.log', textOf(50, 52))
    await live(batch)
    expect(values).toEqual(linesOf(50, 52))
    expect(warnings).toEqual([
      expect.stringMatching(/logs\/app\.log is missing, under every name; .*, which was all of it$/),
    ])
  })

  test('a file that was read to its end may be rewritten, with a warning', async () => {
    await truncate(fs, 'logs/app.log')
    await appendTo(fs, 'logs/app.log', textOf(50, 52))
    await live(batch)
    expect(values).toEqual(linesOf(50, 52))
    expect(warnings).toEqual([
      expect.stringMatching(/logs\/app\.log was truncated; .*, which was all of it$/),
    ])
  })

  test("it stops the next run with ifGone: 'stop', and if its last line was left", async () => {
    await appendTo(fs, 'logs/app.log', 'half a line')
    await live({ ...batch, lastLine: 'leave' })
    await fs.remove('logs/app.log')
    fs.put('logs/app.log', '')
    await expect(live({ ...batch, ifGone: 'stop' })).rejects.toMatchObject(lost)
    await expect(live(batch)).rejects.toMatchObject(lost)
  })
})

describe('while the job runs', () => {
  /** A run that has read little of a log when the log is truncated. */
  async function cutWhileReading(rotate: () => Promise<void>): Promise<SourceRun<string>> {
    const world = new FileWorld(fs, false)
    const run = new SourceRun(readLines('logs/app.log', { follow: true, chunkBytes: 100 }), world.context)
    await run.restore(marks)
    await run.pollOnce(1)
    await rotate()
    for (let turn = 0; turn < 60; turn++) {
      run.poll()
      await world.pass(100)
    }
    await run.close()
    return run
  }

  test('a log that is copied and truncated before it was read is read from the copy', async () => {
    const run = await cutWhileReading(async () => {
      await copyAndCut('logs/app.log.1', (content) => content)
      await appendTo(fs, 'logs/app.log', textOf(20, 21))
    })
    expect(run.values).toEqual(linesOf(10, 21))
  })

  test('a log is rotated twice at once, and its first file is still written: the second file stops the job', async () => {
    const rotated = cutWhileReading(async () => {
      await fs.rename('logs/app.log', 'logs/app.log.2')
      fs.put('logs/app.log.1', textOf(20, 30))
      fs.put('logs/app.log', textOf(30, 40))
      await appendTo(fs, 'logs/app.log.2', textOf(40, 41))
    })
    await expect(rotated).rejects.toMatchObject({ code: 'SOURCE_FAILED', place: 'logs/app.log.1' })
  })

  test('a log that is truncated before it was read stops the job', async () => {
    await expect(cutWhileReading(() => truncate(fs, 'logs/app.log'))).rejects.toMatchObject(lost)
  })
})

async function move(path: string): Promise<void> {
  await fs.makeDirectory(path.slice(0, path.lastIndexOf('/')))
  await fs.rename('logs/app.log', path)
}

async function copyAndCut(path: string, pack: (content: Uint8Array) => Uint8Array): Promise<void> {
  fs.put(path, pack(fs.peek('logs/app.log')!))
  await truncate(fs, 'logs/app.log')
}

async function replaceBy(path: string, pack: (content: Uint8Array) => Uint8Array): Promise<void> {
  fs.put(path, pack(fs.peek('logs/app.log')!))
  await fs.remove('logs/app.log')
}
