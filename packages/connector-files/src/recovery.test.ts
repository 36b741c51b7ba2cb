import type { Json } from '@millrace/core'
import { SimFs, SimOwners } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { namesIn, SinkRun, textOf } from '../test/sink-run.ts'
import type { WriteOptions } from './file-sink.ts'
import { writeLines } from './lines.ts'

let fs: SimFs

beforeEach(() => {
  fs = new SimFs()
})

const open = (options: WriteOptions, pending: readonly Json[] = []): Promise<SinkRun<string>> =>
  SinkRun.open(writeLines('out/log.txt', options), fs, pending)

/** The paths of files that are not visible yet. */
async function staged(): Promise<readonly string[]> {
  return (await namesIn(fs, 'out')).hidden
    .filter((name) => name.includes('staged'))
    .map((name) => `out/${name}`)
}

describe.each([
  ['one file', {}, 'out/log.txt'],
  ['a rolling file that is full', { rollBytes: 1 }, 'out/log-000001.txt'],
  ['a rolling file that is open', { rollBytes: 1_000 }, 'out/log-000001.txt'],
] as const)('prepared output is verified before it is committed: %s', (_name, options, target) => {
  /** A job that was killed after its checkpoint was published and before the commit. */
  async function killed(): Promise<{
    readonly committable: Json
    readonly path: string
    readonly size: number
  }> {
    fs = new SimFs()
    const run = await open(options)
    await run.write('a line', 'another line', 'the last line')
    const committable = await run.prepare()
    fs = fs.afterKill()
    const [path] = await staged()
    return { committable, path: path!, size: fs.peek(path!)!.length }
  }

  test('one flipped bit at any offset is detected, and nothing is committed', async () => {
    const { size } = await killed()
    for (let at = 0; at < size; at++) {
      const { committable, path } = await killed()
      fs.corrupt(path, at, 1 << (at % 8))
      await expect(open(options, [committable])).rejects.toMatchObject({
        code: 'CHECKPOINT_CORRUPT',
        message: expect.stringContaining(`${path}: bytes 0 to ${size} differ from the checkpoint`),
        place: path,
      })
      expect(textOf(fs, target)).toBeUndefined()
      fs.corrupt(path, at, 1 << (at % 8))
      await open(options, [committable])
      expect(textOf(fs, target)).toBe('a line\nanother line\nthe last line\n')
    }
  })

  test('zeroed bytes are detected', async () => {
    const { committable, path, size } = await killed()
    for (let at = 5; at < 15; at++) fs.corrupt(path, at, fs.peek(path)![at]!)
    expect(fs.peek(path)!.subarray(5, 15)).toEqual(new Uint8Array(10))
    await expect(open(options, [committable])).rejects.toThrow(
      `bytes 0 to ${size} differ from the checkpoint`,
    )
    expect(textOf(fs, target)).toBeUndefined()
  })

  test('a missing end is detected', async () => {
    const { committable, path, size } = await killed()
    fs.put(path, fs.peek(path)!.subarray(0, size - 3))
    await expect(open(options, [committable])).rejects.toThrow(
      /ends at byte 31, where a checkpoint has 34|has 31 bytes/,
    )
    expect(textOf(fs, target)).toBeUndefined()
  })

  test('a change of visible output is detected', async () => {
    const { committable } = await killed()
    await (await open(options, [committable])).close()
    expect(await staged()).toEqual([])
    fs.corrupt(target, 3, 1)
    await expect(open(options, [committable])).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
      message: expect.stringContaining(`${target}: bytes 0 to 34 differ from the checkpoint`),
    })
  })
})

test('a bit that flips between prepare and commit does not become visible, also while the job runs', async () => {
  const run = await open({})
  const first = await run.checkpoint('1')
  await run.write('2')
  const second = await run.prepare()
  const [path] = await staged()
  fs.corrupt(path!, 2, 1)
  await expect(run.commit(second)).rejects.toMatchObject({
    code: 'CHECKPOINT_CORRUPT',
    message: expect.stringContaining(`${path}: bytes 2 to 4 differ from the checkpoint`),
  })
  await run.close()
  expect(textOf(fs, 'out/log.txt')).toBe('1\n')
  await expect(open({}, [first, second])).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
})

describe('a process that has lost the directory', () => {
  test('cannot write to a file that the new owner has made visible, though it has it open', async () => {
    const owners = new SimOwners()
    const sink = (): ReturnType<typeof writeLines> => writeLines('out/log.txt', { rollBytes: 100 })
    const first = await SinkRun.open(sink(), fs, [], 0, { owner: owners.take() })
    const committable = await first.checkpoint('1')
    const second = await SinkRun.open(sink(), fs, [committable], 0, { owner: owners.take() })
    expect(textOf(fs, 'out/log-000001.txt')).toBe('1\n')
    await first.write('2')
    await first.prepare().catch(() => {})
    expect(textOf(fs, 'out/log-000001.txt')).toBe('1\n')
    await second.checkpoint('2')
    await first.close().catch(() => {})
    expect((await namesIn(fs, 'out')).visible).toEqual(['log-000001.txt'])
    await second.close()
    expect([textOf(fs, 'out/log-000001.txt'), textOf(fs, 'out/log-000002.txt')]).toEqual(['1\n', '2\n'])
  })

  test("does not release the new owner's claim on the output", async () => {
    const owners = new SimOwners()
    const first = await SinkRun.open(writeLines('out/log.txt'), fs, [], 0, { owner: owners.take() })
    const second = await SinkRun.open(writeLines('out/log.txt'), fs, [], 0, { owner: owners.take() })
    await first.close()
    expect((await namesIn(fs, 'out')).hidden).toEqual(['.log.txt.owner-simulated'])
    await second.close()
    expect((await namesIn(fs, 'out')).hidden).toEqual([])
  })
})
