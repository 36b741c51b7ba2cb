import { memory } from '@millrace/connector-memory'
import { MIN_TIME, type Sink, type SinkProgress, type Source } from '@millrace/core/connector'
import { expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { scheduledSource } from './scheduled-source.ts'
import { live, type LifeOptions } from './simulated-job.ts'

/** Keeps what it hears of event time at each barrier, without repetitions. */
function listening(heard: SinkProgress[]): Sink<number> {
  return {
    kind: 'listening',
    guarantee: 'at-least-once',
    open: () =>
      Promise.resolve({
        write: () => {},
        prepare: (_checkpoint, progress) => {
          if (JSON.stringify(progress) !== JSON.stringify(heard.at(-1))) heard.push(progress!)
          return Promise.resolve(undefined)
        },
        close: () => Promise.resolve(),
      }),
  }
}

/** Stops the job in good order after so many checkpoints. */
function untilCheckpoint(number: number): LifeOptions {
  return {
    isBounded: false,
    onEvent: (event, job) => {
      if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === number)
        void job.stop({ drain: true })
    },
  }
}

test('a sink hears at each barrier how far its input is: the watermark, whether it is idle, whether it has ended', async () => {
  const heard: SinkProgress[] = []
  await live(
    (p) =>
      p
        .from(
          'numbers',
          scheduledSource([
            ['a', 300, 300],
            ['a', 900, 5_000],
          ]),
        )
        .withTimestamps({ timestamp: (n) => n, idleAfter: 1_000 })
        .to('out', listening(heard)),
    untilCheckpoint(55),
  )
  expect(heard).toEqual([
    { watermark: MIN_TIME, isIdle: false, hasEnded: false },
    { watermark: 300, isIdle: false, hasEnded: false },
    { watermark: 300, isIdle: true, hasEnded: false },
    { watermark: 900, isIdle: false, hasEnded: false },
    { watermark: 900, isIdle: false, hasEnded: true },
  ])
})

test('without event times the watermark stays at the beginning of time', async () => {
  const heard: SinkProgress[] = []
  await live((p) => p.from('numbers', pacedSource({ all: [1, 2, 3] }, 1)).to('out', listening(heard)))
  expect(heard.at(-1)).toEqual({ watermark: MIN_TIME, isIdle: false, hasEnded: true })
})

test('a source that has no split yet says at once that it is idle', async () => {
  const heard: SinkProgress[] = []
  const empty: Source<number> = {
    ...memory.read<number>({}),
    discover: () => Promise.resolve({ splits: [], isComplete: false }),
  }
  await live((p) => p.from('numbers', empty).to('out', listening(heard)), untilCheckpoint(2))
  expect(heard[0]).toEqual({ watermark: MIN_TIME, isIdle: true, hasEnded: false })
})
