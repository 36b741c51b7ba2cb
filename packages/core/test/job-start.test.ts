import { memory } from '@millrace/connector-memory'
import type { JobStart, Sink } from '@millrace/core/connector'
import type { PipelineBuilder } from '@millrace/flow'
import { expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, nextLife } from './simulated-job.ts'

const numbers = Array.from({ length: 400 }, (_, i) => i)

test('a connector knows whether a run is the first, resumes a checkpoint, also the end of a run, or follows a failure', async () => {
  const starts: JobStart[] = []
  let isDue = true
  const build = (p: PipelineBuilder): void => {
    const inner = memory.write<number>()
    const sink: Sink<number> = {
      kind: 'knowing',
      guarantee: 'exactly-once',
      open: (subtask, pending, context) => {
        starts.push(context.start)
        return inner.open(subtask, pending as never[])
      },
    }
    p.from('numbers', pacedSource({ all: numbers }, 1))
      .map((n) => {
        if (n === 250 && isDue) {
          isDue = false
          throw new Error('once')
        }
        return n
      })
      .to('out', sink)
  }
  const { platform } = await live(build, { restart: { kind: 'fixed', delayMs: 1, attempts: 1 } })
  await live(build, { platform: nextLife(platform) })
  expect(starts).toEqual([
    { kind: 'first', checkpoint: undefined },
    { kind: 'restarted', checkpoint: 2 },
    { kind: 'resumed', checkpoint: expect.any(Number), isEndOfRun: true },
  ])
  expect(starts[2]!.checkpoint).toBeGreaterThan(2)
})
