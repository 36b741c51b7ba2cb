import type { Json } from '@millrace/core'
import { SimFs, type CrashStyle } from '@millrace/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { namesIn, SinkRun, textOf } from '../test/sink-run.ts'
import type { WriteOptions } from './file-sink.ts'
import { writeLines } from './lines.ts'

let fs: SimFs

const open = (
  pending: readonly Json[] = [],
  options: WriteOptions = { rollBytes: 6 },
): Promise<SinkRun<string>> => SinkRun.open(writeLines('out/log.txt', options), fs, pending)

const visible = async (): Promise<string[]> => (await namesIn(fs, 'out')).visible
const hidden = async (): Promise<string[]> => (await namesIn(fs, 'out')).hidden
const file = (number: number): string | undefined => textOf(fs, `out/log-00000${number}.txt`)

beforeEach(() => {
  fs = new SimFs()
})

describe('rolling files', () => {
  test('EN-226 a file is visible once it is large enough and its checkpoint is durable', async () => {
    const run = await open()
    await run.checkpoint('1')
    expect(await visible()).toEqual([])
    await run.write('2', '3')
    const committable = await run.prepare()
    expect(await visible()).toEqual([])
    await run.commit(committable)
    expect(await visible()).toEqual(['log-000001.txt'])
    expect(file(1)).toBe('1\n2\n3\n')
    await run.close()
  })

  test('a file that is old enough is visible after the next checkpoint', async () => {
    const run = await open([], { rollEvery: '1m' })
    await run.checkpoint('1')
    await run.world.pass(59_000)
    await run.checkpoint('2')
    expect(await visible()).toEqual([])
    await run.world.pass(1_000)
    await run.checkpoint()
    expect(await visible()).toEqual(['log-000001.txt'])
    expect(file(1)).toBe('1\n2\n')
    await run.world.pass(120_000)
    await run.checkpoint()
    expect(await hidden()).toEqual(['.log.txt.owner-simulated'])
    await run.close()
    expect(await visible()).toEqual(['log-000001.txt'])
  })

  test('when the job ends, committed data becomes a file, and other data is removed at the next start', async () => {
    const run = await open()
    await run.checkpoint('1')
    await run.close()
    expect(file(1)).toBe('1\n')
    expect(await hidden()).toEqual([])
  })

  test("EN-217 when the job fails, the restart makes a file of its checkpoint's data", async () => {
    const run = await open()
    const committable = await run.checkpoint('1')
    await run.write('2')
    await run.prepare()
    await run.close()
    expect(await visible()).toEqual([])
    fs = fs.afterPowerLoss()
    const next = await open([committable])
    expect([await visible(), file(1)]).toEqual([['log-000001.txt'], '1\n'])
    await next.checkpoint('2', '3', '4')
    expect(file(2)).toBe('2\n3\n4\n')
    await next.close()
    expect(await hidden()).toEqual([])
  })

  test('EN-216 a commit includes earlier checkpoints, and excludes later ones', async () => {
    const run = await open([], { rollBytes: 1 })
    const prepared: Json[] = []
    for (const line of ['42', '43', '44']) {
      await run.write(line)
      prepared.push(await run.prepare())
    }
    await run.commit(prepared[1]!)
    expect(await visible()).toEqual(['log-000001.txt', 'log-000002.txt'])
    await run.commit(prepared[0]!)
    await run.commit(prepared[2]!)
    expect(await visible()).toEqual(['log-000001.txt', 'log-000002.txt', 'log-000003.txt'])
    await run.close()
  })

  test('EN-224 a restart from an earlier checkpoint removes later files and truncates the one it contains in part', async () => {
    const run = await open()
    await run.checkpoint('0', '0', '0')
    const first = await run.checkpoint('1')
    await run.checkpoint('2', '3')
    await run.checkpoint('4', '5', '6')
    await run.close()
    expect(await visible()).toEqual(['log-000001.txt', 'log-000002.txt', 'log-000003.txt'])
    const next = await open([first])
    expect(await visible()).toEqual(['log-000001.txt', 'log-000002.txt'])
    expect(file(2)).toBe('1\n')
    expect(next.world.warnings).toEqual([
      expect.stringMatching(/log-000002\.txt is truncated from 6 to 2 bytes/),
      expect.stringMatching(/log-000003\.txt is removed/),
    ])
    await next.close()
  })

  test('a missing file is an error at the restart', async () => {
    const run = await open()
    const committable = await run.checkpoint('1')
    await run.close()
    fs.lose('out/log-000001.txt')
    await expect(open([committable])).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/log-000001\.txt: has 0 bytes where the restored checkpoint needs 2/),
    })
  })

  test('EN-226 whenever the process is killed, a reader sees complete files of published checkpoints only', async () => {
    const script = async (life: SimFs, note: (published: number) => void): Promise<void> => {
      const run = await SinkRun.open(writeLines('out/log.txt', { rollBytes: 5 }), life)
      for (let checkpoint = 1; checkpoint <= 5; checkpoint++) {
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
        const left = life.afterKill()
        const files = left.paths().filter((path) => path.includes('/log-'))
        const lines = files.flatMap((path) => textOf(left, path)!.trimEnd().split('\n'))
        expect(lines).toEqual(Array.from(lines, (_, index) => `${index + 1}`))
        expect(lines.length).toBeLessThanOrEqual(2 * published)
      }
    }
  })
})

test.each([{ rollBytes: 0 }, { rollBytes: Number.NaN }, { rollEvery: 0 }, { rollEvery: 'daily' }])(
  '%j is rejected when the pipeline is built',
  (options) => {
    expect(() => writeLines('out/log.txt', options)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  },
)
