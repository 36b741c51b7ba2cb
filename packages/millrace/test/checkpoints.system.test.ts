import { readdir, readFile, writeFile } from 'node:fs/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { Command, millrace, pipelineFile, scratch } from './command.ts'

interface Listed {
  readonly checkpoint: number
  readonly isSound: boolean
  readonly damage?: string
  readonly stateBytes?: number
}

/** Changes one byte in the middle of a file. */
async function damage(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length >> 1]! ^= 0x01
  await writeFile(path, bytes)
}

describe('millrace checkpoints', () => {
  let directory: string
  let job: Command

  beforeEach(async () => {
    directory = await scratch()
    const options = [
      '--parameter',
      `out=${directory}/out`,
      '--parameter',
      'rate=1000',
      '--parameter',
      'count=1e9',
    ]
    job = new Command(['run', pipelineFile('numbers.ts'), '--data-dir', `${directory}/data`, ...options])
    await job.says(/checkpoint 3/)
  })

  async function stop(): Promise<void> {
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)
  }

  async function list(): Promise<{ readonly code: unknown; readonly listed: readonly Listed[] }> {
    const { code, out } = await millrace(['checkpoints', `${directory}/data`, '--json'])
    return { code, listed: JSON.parse(out) as readonly Listed[] }
  }

  test('while a job runs, every checkpoint is valid', async () => {
    const { code, listed } = await list()
    await stop()
    expect(listed.length).toBeGreaterThan(0)
    expect(listed.filter(({ isSound }) => !isSound)).toEqual([])
    expect(code).toBe(0)
  })

  test('shows the time and positions of each checkpoint, and changes nothing', async () => {
    await stop()
    const files = async (): Promise<readonly string[]> =>
      (await readdir(`${directory}/data`, { recursive: true })).toSorted()
    const before = await files()
    const { code, out } = await millrace(['checkpoints', `${directory}/data`])
    expect(code).toBe(0)
    expect(out).toMatch(
      /^checkpoint \d+ {3}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {3}stopped {3}state \d+(\.\d)? k?B {3}sound\n {2}'numbers'\n {2}numbers: generator\n {2}sums: window, keys number; aggregates n \(count\), sum \(sum\); window kind tumbling, window size 100ms, window offset 0ms, allowed lateness 0ms, key encoding 1\n {2}file: files\n {2}numbers, split 0-of-1: at \{"index":\d+\}\n/,
    )
    expect(await files()).toEqual(before)
  })

  test('reports a changed byte in a manifest', async () => {
    await stop()
    const names = await readdir(`${directory}/data/checkpoints`)
    const [newest] = names
      .filter((name) => name.startsWith('checkpoint-'))
      .toSorted()
      .toReversed()
    await damage(`${directory}/data/checkpoints/${newest}`)
    const { code, listed } = await list()
    expect(code).toBe(1)
    expect(listed.map(({ isSound }) => isSound)).toEqual([false, true])
    expect(listed[0]!.damage).toMatch(/CHECKPOINT_CORRUPT: .*checksum does not match/)
  })

  test('reports a changed byte in the state', async () => {
    await stop()
    const segments = (await readdir(`${directory}/data/state`)).filter((name) => name.endsWith('.seg'))
    for (const segment of segments) await damage(`${directory}/data/state/${segment}`)
    const { code, listed } = await list()
    expect(code).toBe(1)
    expect(listed[0]).toMatchObject({ isSound: false, pipeline: 'numbers' })
    expect(listed[0]!.damage).toMatch(/CHECKPOINT_CORRUPT: .*\.seg/)
  })

  test('reports no checkpoints for an empty directory', async () => {
    await stop()
    expect(await millrace(['checkpoints', directory])).toMatchObject({ code: 0, out: 'no checkpoints\n' })
  })
})
