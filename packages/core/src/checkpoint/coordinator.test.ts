import { ManualClock } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { Coordinator } from './coordinator.ts'

/** A coordinator of one subtask, and its requests. `disk` resolves when a manifest is on disk. */
function open(toleratedFailures = 2, newest = 0, disk: Promise<void> = Promise.resolve()) {
  const clock = new ManualClock(0)
  const story: string[] = []
  const coordinator = new Coordinator(
    {
      clock,
      participants: 1,
      timeoutMs: 100,
      toleratedFailures,
      waitsFor: () => [],
      begin: (checkpoint) => story.push(`begin ${checkpoint}`),
      publish: async (checkpoint, phase) => {
        story.push(`publish ${checkpoint} as ${phase}`)
        await disk
        return 7
      },
      completed: ({ checkpoint }) => story.push(`complete ${checkpoint}`),
      retire: async () => {},
      abandoned: (checkpoint) => story.push(`abort ${checkpoint}`),
    },
    newest,
  )
  const report = (checkpoint: number) =>
    coordinator.report(checkpoint, { task: 'task', subtask: 0, reached: new Map() })
  return { clock, coordinator, story, report }
}

const errorOf = (figures: Promise<unknown>): Promise<unknown> => figures.catch((error: unknown) => error)
const numberOf = async (figures: Promise<{ readonly checkpoint: number }>) => (await figures).checkpoint

describe('Coordinator', () => {
  test('a checkpoint requested while another runs begins after it, once for all requests', async () => {
    const { coordinator, story, report } = open()
    const first = coordinator.checkpoint()
    const waiting = [coordinator.checkpoint(), coordinator.checkpoint()]
    report(1)
    expect(await numberOf(first)).toBe(1)
    await Promise.resolve()
    report(2)
    expect(await Promise.all(waiting.map(numberOf))).toEqual([2, 2])
    expect(story.filter((line) => line.startsWith('begin'))).toEqual(['begin 1', 'begin 2'])
  })

  test('the last checkpoint waits for the running one, and serves all pending requests', async () => {
    const { coordinator, story, report } = open()
    const first = coordinator.checkpoint()
    const waiting = coordinator.checkpoint()
    const last = coordinator.last('stopped')
    const late = coordinator.checkpoint()
    report(1)
    await first
    await Promise.resolve()
    report(2)
    expect(await Promise.all([waiting, last, late].map(numberOf))).toEqual([2, 2, 2])
    expect(story).toEqual([
      'begin 1',
      'publish 1 as running',
      'complete 1',
      'begin 2',
      'publish 2 as stopped',
      'complete 2',
    ])
  })

  test('checkpoint numbers continue from the highest one ever used', async () => {
    const { coordinator, story, report } = open(2, 7)
    const first = coordinator.checkpoint()
    expect(story).toEqual(['begin 8'])
    report(8)
    expect(await numberOf(first)).toBe(8)
  })

  test('only consecutive failures count: a completed checkpoint resets the count', async () => {
    const { clock, coordinator, report } = open(1)
    for (let round = 0; round < 3; round++) {
      const aborted = errorOf(coordinator.checkpoint())
      await clock.advance(100)
      expect(await aborted).toMatchObject({ code: 'CHECKPOINT_FAILED' })
      const completed = coordinator.checkpoint()
      report(2 * round + 2)
      expect(await numberOf(completed)).toBe(2 * round + 2)
    }
    for (const code of ['CHECKPOINT_FAILED', 'JOB_FAILED']) {
      const aborted = errorOf(coordinator.checkpoint())
      await clock.advance(100)
      expect(await aborted).toMatchObject({ code })
    }
  })

  test('a job that has ended makes no more checkpoints', async () => {
    const { coordinator, report } = open()
    const last = coordinator.last('finished')
    report(1)
    await last
    await coordinator.close()
    await expect(coordinator.checkpoint()).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' })
  })

  test('close resolves only when a manifest being published is on disk', async () => {
    let synced = () => {}
    const disk = new Promise<void>((resolve) => (synced = resolve))
    const { coordinator, story, report } = open(2, 0, disk)
    const last = coordinator.last('finished')
    await Promise.resolve()
    report(1)
    const closed = coordinator.close().then(() => story.push('closed'))
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    expect(story).toEqual(['begin 1', 'publish 1 as finished'])
    synced()
    await Promise.all([last, closed])
    expect(story).toEqual(['begin 1', 'publish 1 as finished', 'complete 1', 'closed'])
  })
})
