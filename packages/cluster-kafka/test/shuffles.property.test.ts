import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EmbeddedJob, LeaseJobs, type Build, type LeaseOptions } from './lease-jobs.ts'
import {
  buildOf,
  disorderMs,
  lateRecords,
  pipelineNames,
  running,
  type Event,
  type Events,
} from './shuffled-pipelines.ts'

const runs = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 60 : 6

/** Some splits whose records are out of order by less than the bound. */
const inOrder: fc.Arbitrary<Events> = fc
  .array(fc.array(fc.tuple(fc.nat(7), fc.nat(disorderMs - 1)), { maxLength: 60 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((splits) =>
    Object.fromEntries(
      splits.map((records, split) => [`s-${split}`, eventsOf(`s-${split}`, records, 9)] as const),
    ),
  )

/** One split whose records are out of order by any time. */
const anyTimes: fc.Arbitrary<readonly Event[]> = fc
  .array(fc.tuple(fc.nat(7), fc.nat(400)), { maxLength: 100 })
  .map((records) => eventsOf('all', records, 3))

function eventsOf(
  split: string,
  records: readonly (readonly [number, number])[],
  stepMs: number,
): readonly Event[] {
  return records.map(([key, offset], index) => ({
    id: `${split}/${index}`,
    key: `k${key}`,
    at: index * stepMs + offset,
  }))
}

const world = {
  leases: fc.integer({ min: 1, max: 4 }),
  perMs: fc.integer({ min: 1, max: 30 }),
  seed: fc.nat(1_000),
}

function sorted(values: readonly unknown[]): readonly string[] {
  return values.map((value) => JSON.stringify(value)).toSorted()
}

/** Runs a pipeline in several leases and as one job, and compares what they have written. */
async function compare(
  build: Build,
  { leases, seed }: { readonly leases: number; readonly seed: number },
  outputs: readonly string[],
  options: LeaseOptions = {},
): Promise<LeaseJobs> {
  const expected = await new EmbeddedJob(build).run()
  const jobs = new LeaseJobs(build, leases, seed)
  expect(await jobs.run(options)).toEqual(Array.from({ length: leases }, () => ({ outcome: 'finished' })))
  for (const name of outputs) expect(sorted(jobs.values(name))).toEqual(sorted(expected.values(name)))
  return jobs
}

describe('a job in several leases', () => {
  test.each(pipelineNames)(
    '%s: the results are those of one job, whatever the order of arrival',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(fc.record({ ...world, events: inOrder }), async ({ events, perMs, ...of }) => {
          await compare(buildOf(name, events, perMs), of, ['out'])
        }),
        { numRuns: runs },
      )
    },
  )

  test.each(pipelineNames)('%s: they are also when leases fail and restart', async (name) => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ ...world, events: inOrder, at: fc.array(fc.nat(200), { minLength: 1, maxLength: 3 }) }),
        async ({ events, perMs, at, leases, seed }) => {
          const expected = await new EmbeddedJob(buildOf(name, events, perMs)).run()
          let met = 0
          const failing = buildOf(name, events, perMs, () => {
            if (at.includes(met++)) throw new Error('once')
          })
          const jobs = new LeaseJobs(failing, leases, seed)
          await jobs.run({ restart: { kind: 'fixed', delayMs: 1, attempts: 10 } })
          expect(sorted(jobs.values('out'))).toEqual(sorted(expected.values('out')))
        },
      ),
      { numRuns: runs },
    )
  })

  test('the same records are late as in one job', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ ...world, events: anyTimes }), async ({ events, perMs, ...of }) => {
        await compare(lateRecords(events, perMs), of, ['out', 'late'])
      }),
      { numRuns: 4 * runs },
    )
  })

  test('records of one key stay in their order, also without event times', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record({ ...world, events: inOrder }), async ({ events, perMs, ...of }) => {
        await compare(running(events, perMs), of, ['out'])
      }),
      { numRuns: runs },
    )
  })
})
