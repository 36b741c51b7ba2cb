import type { Json } from '@millrace/core'
import { SimFs, type CrashStyle } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { namesIn, SinkRun, textOf } from '../test/sink-run.ts'
import type { WriteOptions } from './file-sink.ts'
import { writeLines } from './lines.ts'

const path = 'out/log.txt'
let fs: SimFs

const open = (pending: readonly Json[] = [], options: WriteOptions = {}): Promise<SinkRun<string>> =>
  SinkRun.open(writeLines(path, options), fs, pending)

beforeEach(() => {
  fs = new SimFs()
})

describe('one growing file', () => {
  test('EN-215 written data becomes durable, then visible, and is never removed', async () => {
    const run = await open()
    await run.write('1', '2')
    expect(textOf(fs, path)).toBeUndefined()
    const committable = await run.prepare()
    expect(textOf(fs, path)).toBeUndefined()
    await run.commit(committable)
    expect(textOf(fs, path)).toBe('1\n2\n')
    await run.commit(committable)
    expect(textOf(fs, path)).toBe('1\n2\n')
    await run.close()
    expect((await namesIn(fs, 'out')).hidden).toEqual([])
  })

  test('EN-216 a commit includes earlier checkpoints, and excludes later ones and the current one', async () => {
    const run = await open()
    const prepared: Json[] = []
    for (const line of ['42', '43', '44']) {
      await run.write(line)
      prepared.push(await run.prepare())
    }
    await run.write('45')
    await run.commit(prepared[1]!)
    expect(textOf(fs, path)).toBe('42\n43\n')
    await run.commit(prepared[0]!)
    expect(textOf(fs, path)).toBe('42\n43\n')
    await run.commit(prepared[2]!)
    expect(textOf(fs, path)).toBe('42\n43\n44\n')
    await run.close()
  })

  test('EN-217 a restart commits the data of its checkpoint, removes the rest, and leaves no hidden files', async () => {
    const run = await open()
    await run.write('1')
    const named = await run.prepare()
    await run.write('2')
    await run.prepare()
    await run.write('3')
    fs = fs.afterPowerLoss()
    const next = await open([named])
    expect(textOf(fs, path)).toBe('1\n')
    expect((await namesIn(fs, 'out')).hidden).toEqual(['.log.txt.owner-simulated'])
    await next.checkpoint('4')
    await next.close()
    expect(textOf(fs, path)).toBe('1\n4\n')
    expect(await namesIn(fs, 'out')).toEqual({ hidden: [], visible: ['log.txt'] })
  })

  test('EN-225 data written before prepare survives a power loss right after it', async () => {
    const run = await open()
    await run.write('1', '2')
    const first = await run.prepare()
    await run.write('3')
    const second = await run.prepare()
    fs = fs.afterPowerLoss()
    await (await open([first, second])).close()
    expect(textOf(fs, path)).toBe('1\n2\n3\n')
  })

  test('EN-218 a failed commit is done by later restarts, and counts as done once it is', async () => {
    const run = await open()
    await run.write('1', '2')
    const named = await run.prepare()
    fs.failNext('write')
    await expect(run.commit(named)).rejects.toMatchObject({ code: 'FS_IO' })
    await run.close()
    for (let restart = 0; restart < 3; restart++) {
      fs = fs.afterKill()
      const next = await open([named])
      expect(textOf(fs, path)).toBe('1\n2\n')
      await next.close()
    }
  })

  test('a full staged file is followed by another, and is removed once it is visible', async () => {
    const run = await open()
    const line = 'x'.repeat(1024 * 1024 - 1)
    for (let mib = 0; mib < 10; mib++) {
      await run.checkpoint(line)
      expect((await namesIn(fs, 'out')).hidden.length).toBeLessThanOrEqual(2)
    }
    await run.close()
    expect(textOf(fs, path)).toBe(`${line}\n`.repeat(10))
    expect((await namesIn(fs, 'out')).hidden).toEqual([])
  })

  test('data in several staged files is committed after a restart', async () => {
    const run = await open()
    const line = 'x'.repeat(5 * 1024 * 1024)
    const prepared: Json[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      await run.write(name + line)
      prepared.push(await run.prepare())
    }
    fs = fs.afterPowerLoss()
    const next = await open(prepared)
    await next.close()
    expect(textOf(fs, path)).toBe(['a', 'b', 'c', 'd'].map((name) => `${name}${line}\n`).join(''))
  })

  test('EN-224 a restart from an earlier checkpoint removes the output of later ones, with a warning', async () => {
    const run = await open()
    const first = await run.checkpoint('1')
    await run.checkpoint('2')
    await run.checkpoint('3')
    await run.close()
    const next = await open([first])
    expect(textOf(fs, path)).toBe('1\n')
    expect(next.world.warnings).toEqual([
      expect.stringMatching(/out\/log\.txt is truncated from 6 to 2 bytes/),
    ])
    await next.checkpoint('2')
    await next.checkpoint('3')
    await next.close()
    expect(textOf(fs, path)).toBe('1\n2\n3\n')
  })

  test('a file whose end a crash has torn is repaired, and complete lines are never removed', async () => {
    const run = await open()
    const first = await run.checkpoint('1')
    await run.write('2', '3')
    const second = await run.prepare()
    const file = await fs.open(path, 'append')
    await file.write(Buffer.from('2\n\0\0'))
    await file.close()
    fs = fs.afterKill()
    const next = await open([first, second])
    expect(textOf(fs, path)).toBe('1\n2\n3\n')
    await next.close()
  })

  test('EN-226 whenever the process is killed, a reader sees complete lines of published checkpoints only', async () => {
    const script = async (life: SimFs, note: (published: number) => void): Promise<void> => {
      const run = await SinkRun.open(writeLines(path), life)
      for (let checkpoint = 1; checkpoint <= 3; checkpoint++) {
        await run.write(`${2 * checkpoint - 1}`, `${2 * checkpoint}`)
        const committable = await run.prepare()
        note(checkpoint)
        await run.commit(committable)
      }
      await run.close()
    }
    const calm = new SimFs()
    await script(calm, () => {})
    for (let at = 1; at <= calm.operations; at++) {
      for (const style of ['before', 'after'] satisfies CrashStyle[]) {
        const life = new SimFs()
        life.crashAt(at, style)
        let published = 0
        await script(life, (checkpoint) => (published = checkpoint)).catch(() => {})
        const lines = (textOf(life.afterKill(), path) ?? '').split('\n')
        expect(lines.pop()).toBe('')
        expect(lines).toEqual(['1', '2', '3', '4', '5', '6'].slice(0, lines.length))
        expect(lines.length).toBeLessThanOrEqual(2 * published)
      }
    }
  })
})

test('a large checkpoint is appended in pieces that end with a line', async () => {
  const lines = Array.from({ length: 25 }, (_, index) => `${index} `.padEnd(100_000 + index, 'x'))
  const seen: string[] = []
  const run = await open()
  await run.write(...lines)
  const committable = await run.prepare()
  const first = fs.operations + 1
  for (let at = first; ; at++) {
    const life = fs.afterKill()
    life.crashAt(at - first + 1, 'before')
    const next = await SinkRun.open(writeLines(path), life, [committable]).catch(() => undefined)
    seen.push(textOf(life, path) ?? '')
    if (next !== undefined) break
  }
  expect(seen.every((text) => text === '' || text.endsWith('\n'))).toBe(true)
  expect(new Set(seen.map((text) => text.length)).size).toBeGreaterThan(3)
})

describe('a file changed by another program', () => {
  test.each([
    ['removed', async () => fs.lose(path)],
    ['appended to', async () => fs.put(path, '1\n2\n3\n')],
    ['renamed', () => fs.rename(path, 'out/old.txt')],
  ])('while the job runs is an error: %s', async (_name, change) => {
    const run = await open()
    await run.checkpoint('1')
    await change()
    await run.write('2')
    const committable = await run.prepare()
    await expect(run.commit(committable)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/^out\/log\.txt: has \d bytes where 2 were written/),
    })
    await run.close()
  })

  test.each([
    ['removed', () => fs.lose(path)],
    ['cut', () => fs.put(path, '1')],
  ])('while the job was down is an error: %s', async (_name, change) => {
    const run = await open()
    const committable = await run.checkpoint('1')
    await run.close()
    change()
    await expect(open([committable])).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/out\/log\.txt: has \d bytes where the restored checkpoint needs 2/),
    })
  })
})
