import { env } from 'node:process'
import { memory } from '@millrace/connector-memory'
import { count, pipeline, sum, tumbling } from '@millrace/flow'
import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'

const clicks = Array.from({ length: 60 }, (_, n) => ({ at: n * 100, key: n % 7, n }))

const windows = pipeline('windows', (p) => {
  p.from('clicks', memory.read(clicks))
    .withTimestamps({ timestamp: (click) => click.at })
    .keyBy((click) => click.key)
    .window(tumbling('1s'))
    .aggregate('per-key', { clicks: count(), total: sum((click) => click.n) })
    .to('out', memory.write())
})

test('a job in several workers keeps every promise through crashes, zombies and other numbers of workers', async () => {
  const seeds = env['MILLRACE_TEST_LEVEL'] === 'full' ? 200 : 3
  let lives = 0
  for (let seed = 0; seed < seeds; seed++) {
    const report = await simulate(windows, { seed, threads: true })
    lives += report.lives
  }
  expect(lives).toBeGreaterThan(seeds)
}, 600_000)
