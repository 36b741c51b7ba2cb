import { memory } from '@millrace/connector-memory'
import { explain } from '@millrace/core/graph'
import { expect, test } from 'vitest'
import { pipeline } from './pipeline.ts'
import { count } from './window/count.ts'
import { session } from './window/session.ts'
import { sliding } from './window/sliding.ts'
import { tumbling } from './window/tumbling.ts'

test('an explanation shows durations as options are written, not in milliseconds', () => {
  const { graph } = pipeline('spans', (p) => {
    const breaker = { failures: 3, openFor: '90s' } as const
    const bulkhead = { by: (n: number) => n % 2, rate: { calls: 4, per: '1d' } } as const
    const timed = p
      .from('in', memory.read([1]))
      .withTimestamps({ timestamp: (n) => n, maxOutOfOrderness: '1h', idleAfter: '36h' })
      .mapAsync('a', async (n) => n, { timeout: '250ms', retry: {}, breaker, bulkhead, order: 'none' })
    timed.window(tumbling('3600000ms')).aggregate('hours', { n: count() }).to('x', memory.write())
    timed.window(session('1m30s')).aggregate('visits', { n: count() }).to('y', memory.write())
    timed
      .window(sliding({ size: '1h', slide: '5m' }))
      .aggregate('moving', { n: count() })
      .to('z', memory.write())
  }).describe()
  const { parts } = explain(graph)
  const shown = parts.flatMap(({ facts, keeps }) => [...facts, keeps ?? ''])
  const texts = [
    'maxOutOfOrderness 1h',
    'idleAfter 1d12h',
    'timeout 250ms',
    'no calls for 1m30s after 3 failures in a row',
    'at most 4 calls of each group in 1d',
    'tumbling windows of 1h',
    'sessions with a gap of 1m30s',
    'sliding windows of 1h every 5m',
  ]
  for (const text of texts) expect(shown.join('\n')).toContain(text)
  expect(shown.join('\n')).not.toMatch(/\d ms/)
})
