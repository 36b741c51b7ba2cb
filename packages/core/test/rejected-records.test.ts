import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import { MillraceError } from '@millrace/core'
import type { DeadLetter } from '@millrace/core/operator'
import type { Batch, Sink } from '@millrace/core/connector'
import { deadLetter, fail, skip, type OnError } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

const ten = Array.from({ length: 10 }, (_, i) => i)

/** Writes to a memory sink, and rejects 3 and 7, some of them only when the other side has answered. */
class FussySink implements Sink<number> {
  readonly kind = 'fussy'
  readonly guarantee = 'exactly-once'
  readonly inner = memory.write<number>()
  readonly #platform: SimPlatform

  constructor(platform: SimPlatform) {
    this.#platform = platform
  }

  async open(...[subtask, pending]: Parameters<Sink<number>['open']>): ReturnType<Sink<number>['open']> {
    const writer = await this.inner.open(subtask, pending as never[])
    return {
      write: async (batch, reject) => {
        const good = batch.values.map((_, index) => index).filter((index) => index < batch.length)
        const bad = good.filter((index) => [3, 7].includes(batch.values[index]!))
        if (bad.length > 0) await sleep(this.#platform.clock, 1)
        for (const index of bad) reject(index, new RangeError(`${batch.values[index]} is not for us`))
        await writer.write(
          only(
            batch,
            good.filter((index) => !bad.includes(index)),
          ),
          reject,
        )
      },
      prepare: async (checkpoint) => writer.prepare(checkpoint),
      commit: async (committable) => writer.commit!(committable as never),
      close: async () => {},
    }
  }
}

function only(batch: Batch<number>, indexes: readonly number[]): Batch<number> {
  return {
    ...batch,
    length: indexes.length,
    values: indexes.map((index) => batch.values[index]!),
    times: Float64Array.from(indexes, (index) => batch.times[index]!),
  }
}

interface Trial extends SimulatedLife {
  readonly sink: FussySink
}

async function writeTen(
  options: { readonly onError?: OnError; readonly everywhere?: OnError } & LifeOptions = {},
): Promise<Trial> {
  const { onError, everywhere, ...life } = options
  const platform = life.platform ?? simPlatform({ seed: 1 })
  const sink = new FussySink(platform)
  const ended = await live(
    (p) => {
      if (everywhere !== undefined) p.onError(everywhere)
      const policy = onError === undefined ? {} : { onError }
      p.from('numbers', pacedSource({ all: ten }, 4)).to('out', sink, policy)
    },
    { platform, ...life },
  )
  return { ...ended, sink }
}

describe('a record that a sink cannot write', () => {
  const rest = [0, 1, 2, 4, 5, 6, 8, 9]

  test('ends the job by default, without a commit, and the error names the record and the way out', async () => {
    const { result, sink } = await writeTen()
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'SINK_FAILED' } })
    expect(String((result as { error: unknown }).error)).toBe(
      "MillraceError: sink 'out' cannot write the record at source 'events', split 'all', index 3: " +
        "RangeError: 3 is not for us. A restart would fail at the same record, so the job ends: change the record before the sink, or set the sink's option onError",
    )
    expect(sink.inner.values).toEqual([])
  })

  test('is dropped and counted under skip', async () => {
    const { result, sink, job } = await writeTen({ onError: skip() })
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.inner.values).toEqual(rest)
    expect(job.status().tasks.flatMap((task) => [...task.counts])).toContainEqual(['out/skipped', 2])
  })

  test('is a dead letter with place, bytes and value, and the others are written', async () => {
    const letters = memory.write<DeadLetter>()
    const { result, sink } = await writeTen({ onError: deadLetter('letters', letters) })
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.inner.values).toEqual(rest)
    expect(letters.values).toMatchObject(
      [3, 7].map((n) => ({
        operator: 'out',
        code: 'SINK_FAILED',
        message: `SINK_FAILED: RangeError: ${n} is not for us`,
        place: `source 'events', split 'all', index ${n}`,
        value: String(n),
        raw: Buffer.from(String(n)).toString('base64'),
      })),
    )
  })

  test("follows the pipeline's policy unless the sink has its own", async () => {
    expect((await writeTen({ everywhere: skip() })).sink.inner.values).toEqual(rest)
    const { result } = await writeTen({ everywhere: skip(), onError: fail() })
    expect(result).toHaveProperty('outcome', 'failed')
  })

  test('each is a dead letter once, at any failure in between', async () => {
    const letters = memory.write<DeadLetter>()
    const failAt = new Set([2, 4, 5, 8])
    const platform = simPlatform({ seed: 1 })
    const sink = new FussySink(platform)
    const { result, job } = await live(
      (p) =>
        p
          .from('numbers', pacedSource({ all: ten }, 1))
          .map((n) => {
            if (failAt.delete(n)) throw new Error(`planted failure at ${n}`)
            return n
          })
          .to('out', sink, { onError: deadLetter('letters', letters) }),
      { platform, checkpoints: { everyMs: 2 }, restart: { kind: 'fixed', delayMs: 1, attempts: 9 } },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(job.status().restarts).toBe(4)
    expect(sink.inner.values).toEqual(rest)
    expect(letters.values.map(({ value }) => value)).toEqual(['3', '7'])
  })

  test('a failure of the sink itself ends the job under any policy', async () => {
    const broken: Sink<number> = {
      kind: 'broken',
      guarantee: 'at-least-once',
      open: async () => ({
        write: () => {
          throw new MillraceError('FS_FULL', 'the disk is full')
        },
        prepare: async () => undefined,
        close: async () => {},
      }),
    }
    const { result } = await live((p) =>
      p.from('numbers', pacedSource({ all: ten }, 4)).to('out', broken, { onError: skip() }),
    )
    expect(result).toHaveProperty('error.code', 'SINK_FAILED')
    expect(result).toHaveProperty('error.message', expect.stringContaining('could not be written to'))
  })

  test.each([
    ['an index that is not in the batch', 99, false],
    ['a record of a batch that was written long ago', 0, true],
  ])('%s cannot be rejected', async (_name, index, isLate) => {
    const keep: Parameters<Awaited<ReturnType<Sink<number>['open']>>['write']>[1][] = []
    const confused: Sink<number> = {
      kind: 'confused',
      guarantee: 'at-least-once',
      open: async () => ({
        write: (_batch, reject) => {
          keep.push(reject)
          if (!isLate) reject(index, new Error('no'))
        },
        prepare: async () => {
          if (isLate) keep[0]!(index, new Error('no'))
          return undefined
        },
        close: async () => {},
      }),
    }
    const { result } = await live((p) =>
      p.from('numbers', pacedSource({ all: ten }, 4)).to('out', confused, { onError: skip() }),
    )
    expect(result).toHaveProperty(
      'error.message',
      expect.stringContaining(`rejected a record that it is not writing (index ${index})`),
    )
  })
})
