import { count, sum, tumbling } from '@millrace/flow'
import { afterEach, expect, test } from 'vitest'
import { endlessNumbers, WorkerWorld, type SinkOf } from './worker-world.ts'

const numbers = 1_000

interface Total {
  readonly key: number
  readonly n: number
  readonly sum: number
}

/** Windows of all numbers by their last digit, and windows of those by how many they have: both fire only at the end. */
function world(): WorkerWorld {
  return new WorkerWorld((p, sinkOf: SinkOf) => {
    const perDigit = p
      .from('numbers', endlessNumbers(4, numbers))
      .withTimestamps({ timestamp: (n) => n, unit: 'ms' })
      .keyBy((n) => n % 10)
      .window(tumbling('1h'))
      .aggregate('per-digit', { n: count(), sum: sum((n) => n) })
    perDigit.to('totals', sinkOf('totals'))
    perDigit
      .keyBy(({ n }) => n)
      .window(tumbling('1h'))
      .aggregate('per-count', { digits: count() })
      .to('counts', sinkOf('counts'))
  }, 4)
}

let workers: WorkerWorld

afterEach(() => workers.stop())

const totals = Array.from({ length: 10 }, (_, digit) => ({
  key: digit,
  n: numbers / 10,
  sum: (numbers / 10) * digit + (10 * ((numbers / 10) * (numbers / 10 - 1))) / 2,
}))

function expectAll(): void {
  const found = workers.values<Total>('totals').map(({ key, n, sum: all }) => ({ key, n, sum: all }))
  expect(found.toSorted((a, b) => a.key - b.key)).toEqual(totals)
  expect(workers.values<{ readonly digits: number }>('counts').map(({ digits }) => digits)).toEqual([10])
}

test('a drain that one worker is asked for ends the input of all: every window fires once, through all shuffles', async () => {
  workers = world()
  const [a, b, c] = [workers.start(1), workers.start(2), workers.start(3)]
  await workers.until(() => c.worker.status().leases.length === 1)
  await workers.clock.advance(2_000)
  expect(workers.values('totals')).toEqual([])
  const results = await workers.during(Promise.all([b.worker.end('drain'), a.worker.ended, c.worker.ended]))
  expect(results).toEqual([{ outcome: 'finished' }, { outcome: 'finished' }, { outcome: 'finished' }])
  expectAll()
})

test('a drain survives the worker that was asked for it', async () => {
  workers = world()
  const [a, b] = [workers.start(1), workers.start(2)]
  await workers.until(() => b.worker.status().leases.length === 2)
  void a.worker.end('drain')
  await workers.until(() => b.events.some(({ kind }) => kind === 'ending'))
  workers.kafka.disconnect('process 1')
  expect(await workers.during(b.worker.ended)).toEqual({ outcome: 'finished' })
  expectAll()
  workers.kafka.reconnect('process 1')
})

test('a stop of the job ends all workers with last checkpoints, and the next ones continue there', async () => {
  workers = world()
  const [a, b] = [workers.start(1), workers.start(2)]
  await workers.until(() => b.worker.status().leases.length === 2)
  await workers.clock.advance(1_000)
  const results = await workers.during(Promise.all([a.worker.end('stop'), b.worker.ended]))
  expect(results).toEqual([{ outcome: 'stopped' }, { outcome: 'stopped' }])
  const again = workers.start(3)
  await workers.until(() => again.worker.status().leases.every(({ status }) => status.phase === 'running'))
  expect(await workers.during(again.worker.end('drain'))).toEqual({ outcome: 'finished' })
  expectAll()
})
