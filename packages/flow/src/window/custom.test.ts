import { memory } from '@millrace/connector-memory'
import { testPipeline } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pipeline } from '../pipeline.ts'
import type { Window } from './assigner.ts'
import { count } from './count.ts'
import { customWindows } from './custom.ts'

/** Windows of 10 and 20 ms in turn, also before the epoch. */
function inTurn(time: number): Window {
  const base = Math.floor(time / 30) * 30
  return time < base + 10 ? { start: base, end: base + 10 } : { start: base + 10, end: base + 30 }
}

function counting(windowOf: (time: number) => Window) {
  return pipeline('counting', (p) => {
    p.from('times', memory.read<number>([]))
      .withTimestamps({ timestamp: (time) => time })
      .keyBy(() => 'all')
      .window(customWindows({ kind: '10 and 20 ms in turn', version: 1, windowOf }))
      .aggregate('per-window', { n: count() })
      .to('out', memory.write())
  })
}

describe('custom windows', () => {
  test('count in consecutive windows of several lengths, also over a restart', async () => {
    const run = await testPipeline(counting(inTurn))
    await run.send('times', -20, -7, -1)
    await run.restart()
    await run.send('times', 0, 9.5, 10)
    const window = (start: number, end: number, n: number) => ({ key: 'all', window: { start, end }, n })
    expect(run.output('out')).toEqual([window(-20, 0, 3), window(0, 10, 2)])
    await run.end()
    expect(run.output('out')).toEqual([window(-20, 0, 3), window(0, 10, 2), window(10, 30, 1)])
  })

  test.each([
    [
      'that does not contain the time',
      () => ({ start: 0, end: 1 }),
      /the window from 0 to 1 for the time 100/,
    ],
    [
      'that overlaps another',
      (time: number) => ({ start: time, end: time + 5 }),
      /a window that ends at 105, and one/,
    ],
  ])('a window %s fails the job', async (_, windowOf, message) => {
    const run = await testPipeline(counting(windowOf))
    const ending = run.send('times', 100).then(async () => run.end())
    await expect(ending).rejects.toThrow(message)
  })

  test('need a kind and a version', () => {
    for (const wrong of [{ kind: '' }, { version: 0 }, { version: undefined as unknown as number }]) {
      expect(() => customWindows({ kind: 'turns', version: 1, windowOf: inTurn, ...wrong })).toThrow(
        /give them a name and a version from 1/,
      )
    }
  })
})
