import type { Json } from '@millrace/core'
import { SimFs, simPlatform } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { batchOf, namesIn, SinkRun, textOf } from '../test/sink-run.ts'
import type { WriteOptions } from './file-sink.ts'
import { writeLines } from './lines.ts'

let fs: SimFs

const open = (
  options: WriteOptions = {},
  pending: readonly Json[] = [],
  subtask = 0,
): Promise<SinkRun<string>> => SinkRun.open(writeLines('out/log.txt', options), fs, pending, subtask)

beforeEach(() => {
  fs = new SimFs()
})

describe('existing files when the job first starts', () => {
  const old = {
    'out/log.txt': 'old\n',
    'out/log.part-1.txt': 'old\n',
    'out/log-2024.txt': 'mine\n',
    'out/x.txt': '',
  }

  beforeEach(() => {
    for (const [path, text] of Object.entries(old)) fs.put(path, text)
  })

  test('stop the job', async () => {
    await expect(open()).rejects.toMatchObject({
      code: 'FS_EXISTS',
      message: expect.stringMatching(
        /out\/log.*exists, and no checkpoint of this job has written it; .*ifExists/,
      ),
    })
    expect(textOf(fs, 'out/log.txt')).toBe('old\n')
  })

  test("are appended to if ifExists is 'append'", async () => {
    const run = await open({ ifExists: 'append' })
    await run.checkpoint('new')
    await run.close()
    expect(textOf(fs, 'out/log.txt')).toBe('old\nnew\n')
  })

  test("are removed if ifExists is 'replace', and no others", async () => {
    const run = await open({ ifExists: 'replace' })
    await run.checkpoint('new')
    await run.close()
    expect(await namesIn(fs, 'out')).toEqual({ hidden: [], visible: ['log-2024.txt', 'log.txt', 'x.txt'] })
    expect(textOf(fs, 'out/log.txt')).toBe('new\n')
  })

  test('do not stop a restarted job', async () => {
    fs = new SimFs()
    const run = await open()
    const committable = await run.checkpoint('1')
    await run.close()
    const next = await open({}, [committable])
    await next.checkpoint('2')
    await next.close()
    expect(textOf(fs, 'out/log.txt')).toBe('1\n2\n')
  })

  test('stop a restarted job that writes to another path', async () => {
    const elsewhere = await SinkRun.open(writeLines('out/other.txt'), fs)
    const committable = await elsewhere.checkpoint('1')
    await elsewhere.close()
    await expect(open({}, [committable])).rejects.toMatchObject({ code: 'FS_EXISTS' })
  })

  test('data prepared for another path is committed there, and not to the new path', async () => {
    const elsewhere = await SinkRun.open(writeLines('out/other.txt'), fs)
    await elsewhere.write('1')
    const committable = await elsewhere.prepare()
    const disk = fs.afterPowerLoss()
    const next = await SinkRun.open(writeLines('out/new.txt'), disk, [committable])
    await next.checkpoint('2')
    await next.close()
    expect([textOf(disk, 'out/other.txt'), textOf(disk, 'out/new.txt')]).toEqual(['1\n', '2\n'])
  })

  test('may be empty', async () => {
    const run = await SinkRun.open(writeLines('out/x.txt'), fs)
    await run.checkpoint('1')
    await run.close()
    expect(textOf(fs, 'out/x.txt')).toBe('1\n')
  })

  test('must not end in the middle of a line', async () => {
    fs.put('out/log.txt', 'old\nhalf')
    await expect(open({ ifExists: 'append' })).rejects.toThrow(
      /out\/log\.txt cannot be resumed: it ends in the middle/,
    )
  })

  test('are handled in the same way with rolling files', async () => {
    fs.put('out/log-000007.txt', 'old\n')
    await expect(open({ rollBytes: 1 })).rejects.toMatchObject({ code: 'FS_EXISTS' })
    const run = await open({ rollBytes: 1, ifExists: 'append' })
    await run.checkpoint('new')
    await run.close()
    expect([textOf(fs, 'out/log-000007.txt'), textOf(fs, 'out/log-000008.txt')]).toEqual(['old\n', 'new\n'])
    const again = await open({ rollBytes: 1, ifExists: 'replace' })
    await again.checkpoint('newer')
    await again.close()
    expect([textOf(fs, 'out/log-000001.txt'), textOf(fs, 'out/log-000007.txt')]).toEqual([
      'newer\n',
      undefined,
    ])
    expect(textOf(fs, 'out/log.txt')).toBe('old\n')
  })
})

describe('ownership of output', () => {
  test('EN-222 each subtask has its own files', async () => {
    const runs = [await open(), await open({}, [], 1), await open({}, [], 2)]
    for (const [subtask, run] of runs.entries()) await run.checkpoint(`from ${subtask}`)
    for (const run of runs) await run.close()
    expect((await namesIn(fs, 'out')).visible).toEqual(['log.part-1.txt', 'log.part-2.txt', 'log.txt'])
    expect(textOf(fs, 'out/log.part-2.txt')).toBe('from 2\n')
  })

  test('EN-222 two jobs cannot write to one path', async () => {
    const run = await open()
    await expect(SinkRun.open(writeLines('out/log.txt'), fs, [], 0, { job: 'other' })).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(
        /is written by the job that keeps its data in data of simulated\/subject; .*\.log\.txt\.owner-simulated/,
      ),
    })
    await run.checkpoint('1')
    await run.close()
    const other = await SinkRun.open(writeLines('out/log.txt', { ifExists: 'append' }), fs, [], 0, {
      job: 'other',
    })
    await other.checkpoint('2')
    await other.close()
    expect(textOf(fs, 'out/log.txt')).toBe('1\n2\n')
  })

  test('a rejected start claims nothing, and the job that owns the output can start after it', async () => {
    fs.put('out/log.txt', 'old\nhalf')
    for (const options of [{}, { ifExists: 'append' }] as const) {
      await expect(open(options)).rejects.toMatchObject({ isFinal: options.ifExists === 'append' })
      expect(fs.paths()).toEqual(['/out/log.txt'])
    }
    const before = await SinkRun.open(writeLines('out/x.txt'), fs, [], 0, { job: 'owner' })
    const committable = await before.checkpoint('1')
    fs = fs.afterKill()
    await expect(SinkRun.open(writeLines('out/x.txt'), fs, [], 0, { job: 'other' })).rejects.toMatchObject({
      code: 'SINK_FAILED',
      isFinal: true,
    })
    const run = await SinkRun.open(writeLines('out/x.txt'), fs, [committable], 0, { job: 'owner' })
    await run.checkpoint('2')
    await run.close()
    expect(textOf(fs, 'out/x.txt')).toBe('1\n2\n')
  })

  test('after damage the job keeps its claim, and a claim made for a failed start is released', async () => {
    const run = await open()
    await run.write('1')
    const committable = await run.prepare()
    fs = fs.afterKill()
    const [hidden] = (await namesIn(fs, 'out')).hidden.filter((name) => name.includes('staged'))
    fs.corrupt(`out/${hidden}`, 0, 1)
    await expect(open({}, [committable])).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
    expect((await namesIn(fs, 'out')).hidden).toContain('.log.txt.owner-simulated')
    await fs.remove('out/.log.txt.owner-simulated')
    await expect(open({}, [committable])).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
    expect((await namesIn(fs, 'out')).hidden).toEqual([hidden])
  })

  test('the claim lasts while a restart needs staged data', async () => {
    const run = await open()
    await run.write('1')
    const committable = await run.prepare()
    await run.close()
    await expect(SinkRun.open(writeLines('out/log.txt'), fs, [], 0, { job: 'other' })).rejects.toThrow(
      /is written by the job that keeps its data in/,
    )
    await (await open({}, [committable])).close()
    expect(await namesIn(fs, 'out')).toEqual({ hidden: [], visible: ['log.txt'] })
  })

  test('of two jobs that claim a path concurrently at most one succeeds', async () => {
    for (let seed = 0; seed < 100; seed++) {
      const disk = new SimFs({ random: simPlatform({ seed }).random })
      const results = await Promise.allSettled(
        ['a', 'b'].map((job) => SinkRun.open(writeLines('out/log.txt'), disk, [], 0, { job })),
      )
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
      expect(refused.length, `seed ${seed}`).toBeGreaterThan(0)
      for (const reason of refused) expect(reason).toMatchObject({ code: 'SINK_FAILED', isFinal: true })
      expect((await namesIn(disk, 'out')).hidden).toHaveLength(2 - refused.length)
    }
  })

  test('after a crash the job recognizes its own claim', async () => {
    await open()
    fs = fs.afterKill()
    const run = await open()
    await run.close()
  })
})

describe('failures', () => {
  test('F6 after a failed sync nothing more is written, prepared or committed', async () => {
    const run = await open()
    const committable = await run.checkpoint('1')
    await run.write('2')
    fs.failNext('sync')
    const failure = await run.prepare().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'FS_SYNC_FAILED' })
    await expect(run.prepare()).rejects.toBe(failure)
    await expect(run.commit(committable)).rejects.toBe(failure)
    await expect(run.write('3')).rejects.toBe(failure)
    await run.close()
    expect(textOf(fs, 'out/log.txt')).toBe('1\n')
    const next = await open({}, [committable])
    await next.checkpoint('2')
    expect(textOf(fs, 'out/log.txt')).toBe('1\n2\n')
  })

  test.each([
    ['sync', 1, {}, 'out/log.txt'],
    ['syncDirectory', 2, {}, 'out/log.txt'],
    ['syncDirectory', 1, { rollBytes: 1 }, 'out/log-000001.txt'],
  ] as const)(
    'F6 output that was visible when %s %i failed is written again: %o',
    async (kind, nth, options, path) => {
      const run = await open(options)
      await run.write('1')
      const committable = await run.prepare()
      fs.failNext(kind, nth)
      await expect(run.commit(committable)).rejects.toMatchObject({ code: 'FS_SYNC_FAILED' })
      await run.close()
      fs = fs.afterKill()
      expect(textOf(fs, path)).toBe('1\n')
      const next = await open(options, [committable])
      expect(next.world.warnings).toEqual([expect.stringContaining('a sync has failed')])
      expect(textOf(fs, path)).toBe('1\n')
      const later = await next.checkpoint('2')
      await next.close()
      expect((await namesIn(fs, 'out')).hidden).toEqual([])
      fs = fs.afterPowerLoss()
      expect(textOf(fs, path)).toMatch(/^1\n/)
      const last = await open(options, [later])
      expect(last.world.warnings).toEqual([])
    },
  )

  test('F6 a failure to create the marker file is reported', async () => {
    const run = await open()
    await run.write('1')
    const committable = await run.prepare()
    fs.failNext('sync')
    fs.failNext('create', 2)
    await expect(run.commit(committable)).rejects.toMatchObject({
      code: 'FS_SYNC_FAILED',
      message: expect.stringMatching(
        /marker file out\/\.log\.txt\.in-doubt could not be created .*: create an empty one before you start/,
      ),
    })
  })

  test('F4 F5 a full disk fails the writer and keeps committed data', async () => {
    const run = await open()
    const committable = await run.checkpoint('1')
    fs.capacityBytes = 100
    await run.write('x'.repeat(200))
    await expect(run.prepare()).rejects.toMatchObject({ code: 'FS_FULL', isTransient: true })
    await run.close()
    expect(textOf(fs, 'out/log.txt')).toBe('1\n')
    fs.capacityBytes = Infinity
    const next = await open({}, [committable])
    await next.checkpoint('2')
    expect(textOf(fs, 'out/log.txt')).toBe('1\n2\n')
  })

  test('a read-only disk is reported as an error', async () => {
    fs.isReadOnly = true
    await expect(open()).rejects.toMatchObject({ code: 'FS_READ_ONLY' })
  })

  test('F4 a disk with short writes loses no bytes', async () => {
    fs.writeBytesMax = 3
    const run = await open()
    await run.checkpoint('a longer line', 'and another')
    await run.close()
    expect(textOf(fs, 'out/log.txt')).toBe('a longer line\nand another\n')
  })

  test('a record that cannot be written is rejected with the reason, and nothing of it is written', async () => {
    const run = await open()
    const rejected: unknown[] = []
    await run.writer.write(batchOf(['a', 'b\nc', 'd']), (index, error) => rejected.push([index, error]))
    expect(rejected).toEqual([
      [1, expect.objectContaining({ message: expect.stringContaining('line break') })],
    ])
    await run.checkpoint('e')
    await run.close()
    expect(textOf(fs, 'out/log.txt')).toBe('a\nd\ne\n')
  })

  test('a closed writer rejects everything', async () => {
    const run = await open()
    await run.close()
    await expect(run.prepare()).rejects.toThrow(/the writer is closed/)
  })
})

test.each(['', 'out/', '.', '..', 'out/..', 'a\0b'])('%j is not a valid path to write to', (path) => {
  expect(() => writeLines(path)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
})
