import { kafka } from '@millrace/connector-kafka'
import type { DeadLetter } from '@millrace/core/operator'
import { count, deadLetter, tumbling } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { EmbeddedJob, LeaseJobs, type Build } from './lease-jobs.ts'
import { pacedSplits } from './paced-splits.ts'

interface Payment {
  readonly card: string
  readonly at: number
}

function payments(split: string, number: number, from = 0): Payment[] {
  return Array.from({ length: number }, (_, index) => ({
    card: `${split}-${index % 5}`,
    at: from + index * 7,
  }))
}

function sorted(values: readonly unknown[]): readonly string[] {
  return values.map((value) => JSON.stringify(value)).toSorted()
}

/** Counts payments in windows by card. */
function counting(splits: Readonly<Record<string, readonly Payment[]>>, perMs = 5): Build {
  return (p, sink) =>
    p
      .from('payments', pacedSplits(splits, perMs))
      .withTimestamps({ timestamp: ({ at }) => at, unit: 'ms' })
      .keyBy(({ card }) => card)
      .window(tumbling(100))
      .aggregate('per-card', { n: count() })
      .to('out', sink('out'))
}

describe('a job in several leases', () => {
  test('windows by key over several leases are those of one job', async () => {
    const splits = { 'p-0': payments('a', 200), 'p-1': payments('a', 150), 'p-2': payments('b', 100) }
    const expected = await new EmbeddedJob(counting(splits)).run()
    for (const leases of [1, 2, 3, 4]) {
      const jobs = new LeaseJobs(counting(splits), leases)
      expect(await jobs.run()).toEqual(Array.from({ length: leases }, () => ({ outcome: 'finished' })))
      expect(sorted(jobs.values('out'))).toEqual(sorted(expected.values('out')))
    }
  })

  test('a later run reads on where the last one ended, as one job does', async () => {
    const splits = { 'p-0': payments('a', 40), 'p-1': payments('a', 30) }
    const embedded = new EmbeddedJob(counting(splits))
    const jobs = new LeaseJobs(counting(splits), 3)
    for (const from of [300, 500, 900]) {
      await embedded.run()
      await jobs.run()
      expect(sorted(jobs.values('out'))).toEqual(sorted(embedded.values('out')))
      for (const own of Object.values(splits)) own.push(...payments('b', 20, from))
    }
  })

  test('dead letters say where their records came from, with their bytes', async () => {
    const splits = { 'p-0': payments('a', 20), 'p-1': payments('b', 20) }
    const build: Build = (p, sink) =>
      p
        .from('payments', pacedSplits(splits, 3))
        .keyBy(({ card }) => card)
        .scan(
          'worth',
          () => 0,
          (sum, { at, card }) => {
            if (card.endsWith('3')) throw new Error(`refused ${at}`)
            return sum + at
          },
          { onError: deadLetter('refused', sink<DeadLetter>('letters')) },
        )
        .to('out', sink('out'))
    const facts = (letters: readonly unknown[]): readonly string[] =>
      sorted((letters as readonly DeadLetter[]).map((letter) => ({ ...letter, failedAt: 0, stack: '' })))
    const expected = await new EmbeddedJob(build).run()
    const jobs = new LeaseJobs(build, 3)
    await jobs.run()
    expect(facts(jobs.values('letters'))).toEqual(facts(expected.values('letters')))
    expect(facts(jobs.values('letters'))[0]).toContain('"source":"payments"')
    expect(jobs.values('letters')).toHaveLength(8)
  })

  test('headers go with their records', async () => {
    const build: Build = (p, sink) =>
      p
        .from('payments', pacedSplits({ 'p-0': payments('a', 20), 'p-1': payments('b', 9) }, 3))
        .withHeaders(({ card, at }) => (at % 2 === 0 ? { trace: `${card} ${at}` } : undefined))
        .keyBy(({ card }) => card)
        .scan(
          'sum',
          () => 0,
          (sum, { at }) => sum + at,
        )
        .to('out', sink('out'))
    const expected = await new EmbeddedJob(build).run()
    const jobs = new LeaseJobs(build, 4)
    await jobs.run()
    expect(sorted(jobs.collected('out'))).toEqual(sorted(expected.collected('out')))
    expect(sorted(jobs.collected('out'))[0]).toContain('"trace"')
  })

  test('a sink of the same cluster writes in the transactions of the leases, exactly once also when they fail', async () => {
    const splits = { 'p-0': payments('a', 60), 'p-1': payments('b', 60) }
    let met = 0
    const build: Build = (p) =>
      p
        .from('payments', pacedSplits(splits, 1))
        .map(({ card, at }) => {
          if (met++ === 70) throw new Error('once')
          return `${card} ${at}`
        })
        .to('results', kafka.writeText({ brokers: 'memory:9092', topic: 'results' }))
    for (const leases of [1, 3]) {
      met = leases === 1 ? 0 : 30
      const jobs = new LeaseJobs(build, leases)
      await jobs.run({ restart: { kind: 'fixed', delayMs: 1, attempts: 3 } })
      const expected = Object.values(splits).flatMap((own) => own.map(({ card, at }) => `${card} ${at}`))
      expect(jobs.results.toSorted()).toEqual(expected.toSorted())
    }
  })

  test('what was read is deleted from the topics', async () => {
    const jobs = new LeaseJobs(counting({ 'p-0': payments('a', 400) }, 1), 2)
    await jobs.run()
    const firsts = [0, 1].map(
      (partition) => jobs.kafka.records({ topic: 'millrace-job-shuffle-per-card', partition })[0],
    )
    expect(firsts.map((record) => record!.offset)).not.toContain(0)
  })
})
