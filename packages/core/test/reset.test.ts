import { memory, type MemorySink } from '@millrace/connector-memory'
import { planReset, resetJob, undoReset, type ResetRequest } from '@millrace/core/job'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { live, multiset, nextLife, summing, type LifeOptions } from './simulated-job.ts'

const numbers = Array.from({ length: 300 }, (_, n) => n)
const often: LifeOptions = { checkpoints: { everyMs: 20 } }

/** Sums of the numbers by their remainder of 7, each time beginning with `before`. */
function sums(before: readonly number[] = []): readonly number[] {
  const totals = new Map<number, number>()
  const add = (n: number): number => {
    const total = (totals.get(n % 7) ?? 0) + n
    totals.set(n % 7, total)
    return total
  }
  for (const n of before) add(n)
  return numbers.map(add)
}

/** Runs until its second checkpoint is complete, and stops. */
async function stopped(sink: MemorySink<number>, options: LifeOptions = {}): Promise<SimPlatform> {
  const { platform, result } = await live(summing(numbers, sink), {
    ...often,
    ...options,
    onEvent: (event, job) => {
      if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 2) void job.stop()
    },
  })
  expect(result).toEqual({ outcome: 'stopped' })
  expect(sink.values.length).toBeLessThan(numbers.length)
  return nextLife(platform)
}

/** What was committed after the first `before` values. */
function since(sink: MemorySink<number>, before: number): readonly string[] {
  return multiset({ values: sink.values.slice(before) })
}

async function warningsOfNext(
  platform: SimPlatform,
  sink: MemorySink<number>,
  options = {},
): Promise<string> {
  const { events, result } = await live(summing(numbers, sink), { ...often, platform, ...options })
  expect(result).toEqual({ outcome: 'finished' })
  return events.flatMap((event) => (event.kind === 'warning' ? [event.message] : [])).join('\n')
}

const place = (platform: SimPlatform) => ({ platform, directory: 'data' })

describe('a reset', () => {
  test.each([1, 3])('of everything: the next run with parallelism %i begins anew', async (parallelism) => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    const before = sink.values.length
    const plan = await resetJob(place(platform), { everything: true })
    expect(plan).toEqual({
      from: 3,
      to: 4,
      changes: [
        {
          part: 'numbers',
          kind: 'source',
          effect: expect.stringContaining('the positions of all its splits are forgotten'),
        },
        { part: 'sum', kind: 'operator', effect: 'its state (accumulated) and timers are gone' },
      ],
      notes: ['sinks keep what they have written, so results of records that are read again come again'],
    })
    const warnings = await warningsOfNext(nextLife(platform), sink, { parallelism })
    expect(warnings).toContain(
      "'sum' of checkpoint 4 is dropped: its state (accumulated) and timers are gone",
    )
    expect(since(sink, before)).toEqual(multiset({ values: sums() }))
  })

  test('of a source alone replays it on top of the state', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    const read = numbers.slice(0, sink.values.length)
    const plan = await resetJob(place(platform), { sources: ['numbers'] })
    expect(plan.notes[1]).toContain(
      "the state of 'sum' is kept: records that are read again are counted again",
    )
    await warningsOfNext(nextLife(platform), sink)
    expect(since(sink, read.length)).toEqual(multiset({ values: sums(read) }))
  })

  test('of a source leaves the data of its connector alone, and does not call it needless', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    platform.fs.put('data/connectors/numbers/kept', 'its own')
    await resetJob(place(platform), { everything: true })
    expect(await warningsOfNext(nextLife(platform), sink)).not.toContain('still contains data')
    expect(platform.fs.peek('data/connectors/numbers/kept')).toBeDefined()
  })

  test('of state alone begins it anew from where the source is', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    const read = sink.values.length
    await resetJob(place(platform), { state: ['sum/accumulated'] })
    await warningsOfNext(nextLife(platform), sink)
    const totals = new Map<number, number>()
    const expected = numbers.slice(read).map((n) => {
      totals.set(n % 7, (totals.get(n % 7) ?? 0) + n)
      return totals.get(n % 7)
    })
    expect(since(sink, read)).toEqual(multiset({ values: expected }))
  })

  test('gives one split a position', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    const before = sink.values.length
    const request: ResetRequest = {
      state: ['sum'],
      positions: [{ source: 'numbers', split: 'all', position: 290 }],
    }
    const { changes } = await resetJob(place(platform), request)
    expect(changes[0]!.effect).toMatch(/^split all is read from 290; it was at \d+$/)
    await warningsOfNext(nextLife(platform), sink)
    expect(sink.values).toHaveLength(before + 10)
  })

  test('is taken back, and the job continues as if there had been none', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    await resetJob(place(platform), { everything: true })
    expect(await undoReset(place(nextLife(platform)))).toEqual({ from: 3, to: 5 })
    await warningsOfNext(nextLife(platform), sink)
    expect(multiset(sink)).toEqual(multiset({ values: sums() }))
    await expect(undoReset(place(nextLife(platform)))).rejects.toThrow('is not from a reset')
  })

  test('is carried out once: a job that runs on afterwards keeps its new state', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    const before = sink.values.length
    await resetJob(place(platform), { everything: true })
    const killed = await live(summing(numbers, sink), {
      ...often,
      platform: nextLife(platform),
      onEvent: (event, job) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 6) void job.cancel()
      },
    })
    await warningsOfNext(nextLife(killed.platform), sink)
    expect(since(sink, before)).toEqual(multiset({ values: sums() }))
  })

  test('makes a backup first, from which a job continues', async () => {
    const sink = memory.write<number>()
    const platform = await stopped(sink)
    await resetJob(place(platform), { everything: true }, { directory: 'backup', store: memoryStore() })
    await warningsOfNext(nextLife(platform), sink, { directory: 'backup' })
    expect(multiset(sink)).toEqual(multiset({ values: sums() }))
  })

  test('is refused while the job runs, and changes nothing', async () => {
    const sink = memory.write<number>()
    const refused: Promise<unknown>[] = []
    const platform = simPlatform({ seed: 1 })
    const { result } = await live(summing(numbers, sink), {
      ...often,
      platform,
      onEvent: (event) => {
        if (event.kind === 'checkpointCompleted' && event.figures.checkpoint === 2) {
          refused.push(resetJob(place(platform), { everything: true }).catch((error: unknown) => error))
        }
      },
    })
    expect(await refused[0]).toMatchObject({ code: 'DIRECTORY_LOCKED' })
    expect(result).toEqual({ outcome: 'finished' })
    expect(multiset(sink)).toEqual(multiset({ values: sums() }))
  })

  test.each([
    [{ sources: ['number'] }, "has no source 'number'. Did you mean 'numbers'?"],
    [{ sources: ['out'] }, "'out' is a sink, no source. What it has written stays"],
    [{ state: ['numbers'] }, "'numbers' is a source, no operator with state. Name it with --source"],
    [{ state: ['sum/total'] }, "operator 'sum' has no state 'total'. It has accumulated"],
    [
      { positions: [{ source: 'numbers', split: 'al', position: 1 }] },
      "reads no split 'al'. Did you mean 'all'?",
    ],
    [
      { sources: ['numbers'], positions: [{ source: 'numbers', split: 'all', position: 1 }] },
      'forgets all its positions',
    ],
    [{}, 'the reset says nothing to forget'],
  ])('of %j is refused', async (request, message) => {
    const platform = await stopped(memory.write<number>())
    await expect(planReset(place(platform), request)).rejects.toThrow(message)
  })

  test('of a directory that has no checkpoint makes no directory', async () => {
    const platform = simPlatform({ seed: 1 })
    await expect(resetJob(place(platform), { everything: true })).rejects.toThrow('data has no checkpoint')
    expect(platform.fs.paths()).toEqual([])
  })
})
