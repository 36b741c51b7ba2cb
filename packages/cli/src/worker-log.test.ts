import { MillraceError } from '@millrace/core'
import type { WorkerEvent, WorkerStatus } from '@millrace/cluster-kafka'
import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import { LogLines } from './log-lines.ts'
import { leasesText, WorkerLog } from './worker-log.ts'

const status: WorkerStatus = { phase: 'running', leases: [], workers: 3, places: [] }

/** What a log writes about events, without times. */
async function written(
  events: readonly WorkerEvent[],
  now: WorkerStatus = status,
): Promise<readonly string[]> {
  const clock = new ManualClock(1_767_225_600_000)
  let text = ''
  const lines = new LogLines({ write: (part) => void (text += part) }, clock, false)
  const log = new WorkerLog({ lines, clock, status: () => now })
  for (const event of events) log.event(event)
  await clock.advance(1_000)
  log.ended({ outcome: 'stopped' })
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(10))
}

const gained = (lease: number): WorkerEvent => ({ kind: 'gained', lease })

test('what happens to several leases at once is one line, in the order of what happens', async () => {
  const said = await written([
    { kind: 'joined', workers: 3 },
    gained(2),
    gained(0),
    gained(1),
    { kind: 'releasing', lease: 7 },
    { kind: 'leaseEnded', lease: 7, end: { outcome: 'released' } },
    gained(9),
    { kind: 'joined', workers: 2 },
  ])
  expect(said).toEqual([
    'this is one of 3 workers',
    'has leases 0 to 2 now',
    'other workers are to have lease 7: making a last checkpoint',
    'lease 7 is free for others',
    'has lease 9 now',
    'fewer workers than before: this is one of 2 workers',
    'stopped: other workers continue with what this one held',
  ])
})

test('a lease that has to be opened again says when and why, and the only worker does not promise others', async () => {
  const error = new MillraceError('COMMIT_UNKNOWN', 'the broker has not answered')
  const said = await written(
    [{ kind: 'lease', lease: 3, status: { phase: 'waiting', error, reopensInMs: 2_000 } }],
    { ...status, workers: 1 },
  )
  expect(said).toEqual([
    'warning: lease 3 is opened again in 2.0 s: COMMIT_UNKNOWN: the broker has not answered',
    'stopped: this was the only worker; the next one continues from its last checkpoints',
  ])
})

test('numbers of leases are written as ranges', () => {
  expect(leasesText([4])).toBe('lease 4')
  expect(leasesText([0, 1, 3, 4, 5, 9])).toBe('leases 0, 1, 3 to 5, 9')
})
