import { SimFs } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { appendTo, FileWorld, SourceRun, truncate, type SplitMark } from '../test/file-world.ts'
import type { Paths, ReadOptions } from './read-options.ts'
import { readLines } from './lines.ts'

let fs: SimFs
let world: FileWorld
let run: SourceRun<string>

const append = (path: string, text: string): Promise<void> => appendTo(fs, path, text)

/** Starts a run that follows, at the beginning or at a checkpoint. */
async function follow(
  paths: Paths,
  options: ReadOptions = {},
  marks: ReadonlyMap<string, SplitMark> = new Map(),
): Promise<void> {
  world = new FileWorld(fs, false)
  run = new SourceRun(readLines(paths, { follow: true, ...options }), world.context)
  await run.restore(marks)
  await run.discover()
  await read()
}

/** Lets one poll interval pass, finds new files, and reads the available data. */
async function read(ms = 200): Promise<readonly string[]> {
  await world.pass(ms)
  run.poll()
  await run.discover()
  await world.pass(0)
  run.poll()
  return run.values
}

async function restart(paths: Paths, options: ReadOptions = {}): Promise<void> {
  const marks = run.marks()
  await run.close()
  await follow(paths, options, marks)
}

beforeEach(() => {
  fs = new SimFs()
})

describe('a growing file', () => {
  test('with hints of the system a line is read after 5 ms, and without one after the poll interval', async () => {
    const hints = new Set<() => void>()
    Object.assign(fs, {
      watch(path: string, onChange: () => void): Disposable {
        expect(path).toBe('a.log')
        hints.add(onChange)
        return { [Symbol.dispose]: () => hints.delete(onChange) }
      },
    })
    const change = async (line: string): Promise<void> => {
      await append('a.log', line)
      for (const hint of hints) hint()
    }
    fs.put('a.log', '1\n')
    await follow('a.log')
    await read(10)
    await change('2\n')
    expect(await read(0)).toEqual(['1', '2'])
    // Changes that follow one another closely are read in one go.
    await change('3\n')
    expect(await read(4)).toEqual(['1', '2'])
    await change('4\n')
    expect(await read(1)).toEqual(['1', '2', '3', '4'])
    await read(10)
    await append('a.log', '5\n')
    expect(await read(180)).toHaveLength(4)
    expect(await read(20)).toHaveLength(5)
    await run.close()
    expect(hints.size).toBe(0)
  })

  test('appended data is read, and a line is a record once its newline arrives', async () => {
    fs.put('a.log', '1\n2')
    await follow('a.log')
    expect(run.values).toEqual(['1'])
    await append('a.log', '2')
    expect(await read()).toEqual(['1'])
    await append('a.log', '\n3\n')
    expect(await read()).toEqual(['1', '22', '3'])
    await run.close()
  })

  test('no file is checked more often than pollEvery', async () => {
    fs.put('a.log', '1\n')
    await follow('a.log', { pollEvery: '1s' })
    await append('a.log', '2\n')
    expect(await read(300)).toEqual(['1'])
    expect(await read(700)).toEqual(['1', '2'])
    await run.close()
  })

  test('EN-241 a file that appears later is found and read from its start', async () => {
    fs.put('logs/a.log', '1\n')
    await follow('logs/*.log')
    fs.put('logs/b.log', '2\n3\n')
    expect(await read()).toEqual(['1', '2', '3'])
    await run.close()
  })

  test('the source waits for a missing file, with one warning', async () => {
    await follow('logs/a.log')
    await read()
    expect(world.warnings).toEqual(['there is no logs/a.log yet; waiting for it'])
    fs.put('logs/a.log', '1\n')
    expect(await read()).toEqual(['1'])
    await run.close()
  })

  test('a bounded job follows nothing', async () => {
    fs.put('a.log', '1\n2')
    const bounded = new SourceRun(readLines('a.log', { follow: true }), new FileWorld(fs, true).context)
    await bounded.discover()
    await bounded.readToEnd()
    expect(bounded.values).toEqual(['1', '2'])
  })

  test('a job that does not follow ends, also when it is not bounded', async () => {
    fs.put('a.log', '1\n')
    const plain = new SourceRun(readLines('a.log'), new FileWorld(fs, false).context)
    await plain.discover()
    await plain.readToEnd()
    expect(plain.values).toEqual(['1'])
  })
})

describe('rotation', () => {
  test.each([
    ['only the log is asked for', 'auth.log'],
    ['rotated files are asked for too', 'auth.log*'],
  ])('a log is rotated, and every line is read once: %s', async (_name, pattern) => {
    fs.put('auth.log', '1\n2\n')
    await follow(pattern)
    await append('auth.log', '3\n')
    await fs.rename('auth.log', 'auth.log.1')
    fs.put('auth.log', '4\n')
    await append('auth.log.1', 'late\n')
    const values = await read()
    expect(values.toSorted()).toEqual(['1', '2', '3', '4', 'late'])
    // A program may continue to write to the old file for a while.
    await read(3_000)
    await append('auth.log.1', 'later\n')
    expect((await read()).at(-1)).toBe('later')
    await run.close()
  })

  test('a rotated file is finished once it has been quiet, and its last line counts without a newline', async () => {
    fs.put('auth.log', '1\n2')
    await follow('auth.log')
    await fs.rename('auth.log', 'auth.log.1')
    fs.put('auth.log', '3\n')
    expect((await read()).toSorted()).toEqual(['1', '3'])
    await read(4_000)
    expect(run.openSplits).toBe(2)
    expect((await read(2_000)).toSorted()).toEqual(['1', '2', '3'])
    expect(run.openSplits).toBe(1)
    expect(world.warnings).toEqual([])
    await run.close()
  })

  test('a log that was quiet before a rotation gets the full settling time after it', async () => {
    fs.put('auth.log', '1\n')
    await follow('auth.log')
    await read(3_600_000)
    await fs.rename('auth.log', 'auth.log.1')
    await read(3_000)
    await append('auth.log.1', 'late\n')
    expect(await read()).toEqual(['1', 'late'])
    await run.close()
  })

  test('a rotation between finding a file and opening it is handled', async () => {
    fs.put('auth.log', '1\n')
    const open = fs.open.bind(fs)
    fs.open = async (path, mode) => {
      fs.open = open
      await fs.rename('auth.log', 'auth.log.1')
      fs.put('auth.log', '2\n')
      return open(path, mode)
    }
    const racing = new SourceRun(readLines('auth.log'), new FileWorld(fs, true).context)
    await racing.discover()
    await racing.readToEnd()
    expect(racing.values).toEqual(['1'])
    expect(fs.openPaths()).toEqual([])
  })

  test('a log that is quiet under its own name never finishes', async () => {
    fs.put('auth.log', '1\n')
    await follow('auth.log')
    for (let hour = 0; hour < 3; hour++) await read(3_600_000)
    await append('auth.log', '2\n')
    expect(await read()).toEqual(['1', '2'])
    await run.close()
  })

  test.each(['auth.log', 'auth.log*'])(
    'a restart after a rotation finds the old file by its identity: %s',
    async (pattern) => {
      fs.put('auth.log', '1\n2\n')
      await follow(pattern)
      const marks = run.marks()
      await run.close()
      await append('auth.log', '3\n')
      await fs.rename('auth.log', 'auth.log.1')
      await fs.rename('auth.log.1', 'auth.log.2')
      fs.put('auth.log', '4\n')
      await follow(pattern, {}, marks)
      expect((await read()).toSorted()).toEqual(['3', '4'])
      await run.close()
    },
  )

  test('a log was rotated twice while the job was down: the file in between stops the job until it is read or skipped', async () => {
    fs.put('auth.log', '1\n')
    await follow('auth.log')
    const marks = run.marks()
    await run.close()
    await fs.rename('auth.log', 'auth.log.2')
    await fs.makeDirectory('time-passes')
    fs.put('auth.log.1', '2\n')
    fs.put('auth.log', '3\n')
    await expect(follow('auth.log', {}, marks)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      place: 'auth.log.1',
      message: expect.stringMatching(/auth\.log\.1 was written after auth\.log had last been read/),
    })
    await run.close()
    for (const options of [{ ifGone: 'skip' as const }, { exclude: 'auth.log.1' }]) {
      await follow('auth.log', options, marks)
      expect(run.values).toEqual(['3'])
      await run.close()
    }
    for (const paths of ['auth.log*', ['auth.log', 'auth.log.1']]) {
      await follow(paths, {}, marks)
      expect(run.values.toSorted()).toEqual(['2', '3'])
      expect(world.warnings).toEqual([])
      await run.close()
    }
  })

  test('a removed file is read to its end, and then finished', async () => {
    fs.put('in/a.log', '1\n')
    await follow('in')
    await append('in/a.log', '2\n3')
    await fs.remove('in/a.log')
    await read()
    expect(await read(6_000)).toEqual(['1', '2', '3'])
    expect(run.openSplits).toBe(0)
    expect(fs.openPaths()).toEqual([])
  })
})

describe('truncation', () => {
  test('EN-242 a log that is copied and truncated is read again from its start, with a warning', async () => {
    fs.put('a.log', '1\n2\npart')
    await follow('a.log')
    await truncate(fs, 'a.log')
    await append('a.log', '3\n')
    expect(await read()).toEqual(['1', '2', 'part', '3'])
    expect(world.warnings).toEqual([
      'a.log was truncated; it had been read up to byte 8, which was all of it',
    ])
    expect(run.taken.at(-1)!.place).toBe('a.log line 1, byte 0')
    await run.close()
  })

  test('a truncation hidden by growth past the old size is detected by the preceding bytes', async () => {
    fs.put('a.log', '1\n2\n')
    await follow('a.log')
    await truncate(fs, 'a.log')
    await append('a.log', '3\n4\n5\n6\n')
    expect(await read()).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(world.warnings).toHaveLength(1)
    await run.close()
  })

  test('a truncation hidden by growth to the old size is detected by the modification time', async () => {
    fs.put('a.log', '1\n2\n')
    await follow('a.log')
    await truncate(fs, 'a.log')
    await append('a.log', '3\n4\n')
    expect(await read()).toEqual(['1', '2', '3', '4'])
    await run.close()
  })

  test('a truncation while the job is down stops it, because lines may be lost; it can continue without them', async () => {
    fs.put('a.log', '1\n2\n')
    await follow('a.log')
    const marks = run.marks()
    await run.close()
    for (const content of ['3\n', '3\n4\n5\n']) {
      await truncate(fs, 'a.log')
      await append('a.log', content)
      await expect(follow('a.log', {}, marks)).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        message: expect.stringMatching(
          /^a\.log was truncated; it had been read up to byte 4; .*archive.*ifGone: 'skip'/,
        ),
      })
      await run.close()
      await follow('a.log', { ifGone: 'skip' }, marks)
      expect(await read()).toEqual(content.trim().split('\n'))
      expect(world.warnings).toEqual(['a.log was truncated; it had been read up to byte 4; the rest is lost'])
      await run.close()
    }
  })

  test('a position taken between the truncation and the next record points to the start', async () => {
    fs.put('a.log', '1\n2\n')
    await follow('a.log')
    await truncate(fs, 'a.log')
    await read()
    await append('a.log', '3\n')
    await restart('a.log')
    expect(run.values).toEqual(['3'])
    await run.close()
  })

  test('without following, a file that was truncated since the checkpoint is an error', async () => {
    fs.put('a.log', '1\n2\n')
    await follow('a.log')
    const marks = run.marks()
    await run.close()
    await truncate(fs, 'a.log')
    await append('a.log', '3\n4\n5\n')
    const bounded = new SourceRun(readLines('a.log'), new FileWorld(fs, true).context)
    await bounded.restore(marks)
    await expect(bounded.readToEnd()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringMatching(/a\.log was truncated; it had been read up to byte 4; restore it/),
    })
  })
})

describe('a missing file after a restart', () => {
  async function loseAfterReading(text: string): Promise<ReadonlyMap<string, SplitMark>> {
    fs.put('a.log', text)
    await follow('a.log')
    const marks = run.marks()
    await run.close()
    fs.lose('a.log')
    fs.put('b.log', 'other\n')
    return marks
  }

  test('EN-242 stops the job when part of it was not read, and names file and offset', async () => {
    const marks = await loseAfterReading('1\n2\npart')
    await expect(follow('a.log', {}, marks)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringMatching(
        /a\.log is missing, under every name; it had been read up to byte 4; .*ifGone/,
      ),
      place: 'a.log byte 4',
    })
  })

  test("EN-242 is skipped with a warning if ifGone is 'skip'", async () => {
    const marks = await loseAfterReading('1\n2\npart')
    await follow('a.log', { ifGone: 'skip' }, marks)
    expect(world.warnings[0]).toMatch(/it had been read up to byte 4; the rest is lost/)
    expect(run.openSplits).toBe(0)
  })

  test('stops the job also when it was read to its end: more may have been written', async () => {
    const marks = await loseAfterReading('1\n2\n')
    await expect(follow('a.log', {}, marks)).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
    await follow('a.log', { ifGone: 'skip' }, marks)
    expect(world.warnings[0]).toMatch(/it had been read up to byte 4; the rest is lost/)
    expect(run.openSplits).toBe(0)
  })

  test('a missing path without wildcards stops a job that does not follow', async () => {
    const plain = new SourceRun(readLines('missing.log'), new FileWorld(fs, true).context)
    await expect(plain.discover()).rejects.toMatchObject({
      code: 'FS_NOT_FOUND',
      message: expect.stringContaining('missing.log'),
    })
    const empty = new FileWorld(fs, true)
    expect(await new SourceRun(readLines('*.log'), empty.context).discover()).toEqual([])
    expect(empty.warnings).toEqual(['no file matches *.log; nothing is read'])
  })
})

describe('stopping', () => {
  test('an abort ends every wait and leaves nothing open', async () => {
    fs.put('a.log', '1\n')
    await follow('a.log')
    world.abort()
    await world.pass(0)
    await run.close()
    expect(fs.openPaths()).toEqual([])
    expect(world.clock.pending).toBe(0)
  })
})
