import { memory } from '@millrace/connector-memory'
import { MillraceError } from '@millrace/core'
import type { Sink, SinkWriter } from '@millrace/core/connector'
import type { JobEvent } from '@millrace/core/job'
import type { DeadLetter } from '@millrace/core/operator'
import { deadLetter, type SinkOptions } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, type LifeOptions, type SimulatedLife } from './simulated-job.ts'

type Call = 'check' | 'open' | 'write' | 'prepare' | 'commit'

/** A memory sink behind a system that is down at times: then its calls do nothing and throw `UNAVAILABLE`. */
class RemoteSink implements Sink<number> {
  readonly kind = 'remote'
  readonly guarantee = 'exactly-once'
  readonly inner = memory.write<number>()
  readonly calls: { readonly call: Call; readonly at: number }[] = []
  readonly #platform: SimPlatform
  readonly #outages: readonly (readonly [from: number, to: number])[]
  readonly #error: () => Error
  readonly #began: number

  constructor(
    platform: SimPlatform,
    outages: readonly (readonly [from: number, to: number])[],
    error = (): Error => new MillraceError('UNAVAILABLE', 'connection refused'),
  ) {
    this.#platform = platform
    this.#outages = outages
    this.#error = error
    this.#began = platform.clock.monotonic()
  }

  async check(): Promise<void> {
    this.#reach('check')
  }

  async open(...[subtask, pending]: Parameters<Sink<number>['open']>): Promise<SinkWriter<number>> {
    this.#reach('open')
    const writer = await this.inner.open(subtask, pending as never[])
    return {
      write: async (batch, reject) => {
        for (let i = 0; i < batch.length; i++) if (batch.values[i]! < 0) reject(i, new RangeError('negative'))
        this.#reach('write')
        const kept = batch.values.slice(0, batch.length).filter((value) => value >= 0)
        await writer.write({ ...batch, length: kept.length, values: kept }, reject)
      },
      prepare: async (checkpoint) => {
        this.#reach('prepare')
        return writer.prepare(checkpoint)
      },
      commit: async (committable) => {
        this.#reach('commit')
        await writer.commit!(committable as never)
      },
      close: async () => {},
    }
  }

  #reach(call: Call): void {
    const at = this.#platform.clock.monotonic() - this.#began
    this.calls.push({ call, at })
    if (this.#outages.some(([from, to]) => at >= from && at < to)) throw this.#error()
  }
}

const minute = 60_000
const thousand = Array.from({ length: 1_000 }, (_, i) => i)

interface Trial extends SimulatedLife {
  readonly sink: RemoteSink
}

async function writeThousand(
  outages: readonly (readonly [from: number, to: number])[],
  options: LifeOptions &
    SinkOptions & { readonly error?: () => Error; readonly numbers?: readonly number[] } = {},
): Promise<Trial> {
  const { onError, retry, breaker, error, numbers = thousand, ...life } = options
  const platform = life.platform ?? simPlatform({ seed: 1 })
  const sink = new RemoteSink(platform, outages, error)
  const rules = {
    ...(onError === undefined ? {} : { onError }),
    ...(retry === undefined ? {} : { retry }),
    ...(breaker === undefined ? {} : { breaker }),
  }
  const ended = await live(
    (p) => p.from('numbers', pacedSource({ all: numbers }, 2)).to('out', sink, rules),
    {
      platform,
      ...life,
    },
  )
  return { ...ended, sink }
}

function kinds(events: readonly JobEvent[]): readonly string[] {
  return events.flatMap((event) => {
    if (event.kind === 'breaker') return [event.state]
    return event.kind === 'outage' || event.kind === 'recovered' || event.kind === 'failed'
      ? [event.kind]
      : []
  })
}

describe('a sink whose system is down', () => {
  test.each([
    ['5 minutes', 5 * minute, 5_000],
    ['an hour', 60 * minute, minute],
  ])(
    'EN-247 for %s: the job waits, fails no checkpoint and writes each record once',
    async (_, downMs, openFor) => {
      const { result, sink, events } = await writeThousand([[200, 200 + downMs]], { breaker: { openFor } })
      expect(result).toEqual({ outcome: 'finished' })
      expect(sink.inner.values).toEqual(thousand)
      const states = kinds(events)
      expect(states.slice(0, 4)).toEqual(['outage', 'open', 'half-open', 'open'])
      expect(states.slice(-3)).toEqual(['half-open', 'closed', 'recovered'])
      expect(states).not.toContain('failed')
      const outage = events.find((event) => event.kind === 'outage')
      expect(outage).toMatchObject({ part: 'out', reason: 'UNAVAILABLE: connection refused' })
      const recovered = events.find((event) => event.kind === 'recovered')
      expect(recovered?.downMs).toBeGreaterThanOrEqual(downMs - 1_000)
      expect(recovered?.downMs).toBeLessThanOrEqual(downMs + openFor + 1_000)
      // With an open breaker there is one call after each pause.
      const tries = sink.calls.filter(({ at }) => at > 5_000 && at < downMs).length
      expect(tries).toBeLessThanOrEqual(downMs / openFor)
      expect(tries).toBeGreaterThanOrEqual(downMs / openFor - 3)
    },
  )

  test('keeps the source paused: what waits in the job does not grow with the outage', async () => {
    const read: number[] = []
    const many = Array.from({ length: 200_000 }, (_, i) => i)
    for (const downMs of [5 * minute, 60 * minute]) {
      const platform = simPlatform({ seed: 1 })
      const until = platform.clock.monotonic() + downMs
      const { job } = await writeThousand([[200, Infinity]], {
        platform,
        numbers: many,
        batchRecords: 64,
        breaker: { openFor: '1m' },
        until: () => platform.clock.monotonic() >= until,
      })
      read.push(job.status().tasks.find(({ kind }) => kind === 'source')!.recordsOut)
      void job.cancel()
    }
    expect(read[0]).toBeGreaterThan(400)
    expect(read[1]).toBe(read[0])
  })

  test('shows since when and why in the status, and its breaker', async () => {
    const platform = simPlatform({ seed: 1 })
    let shown: unknown
    await writeThousand([[200, 2 * minute]], {
      platform,
      onEvent: (event, job) => {
        if (event.kind === 'breaker' && event.state === 'half-open') shown ??= job.status().outages
        if (event.kind === 'recovered') expect(job.status().outages).toEqual([])
      },
    })
    expect(shown).toEqual([
      {
        part: 'out',
        since: expect.any(Number),
        reason: 'UNAVAILABLE: connection refused',
        breaker: 'half-open',
      },
    ])
  })

  test('a sink that reconnects by itself shows the states of its breaker; a source that does has none', async () => {
    const inner = memory.write<number>()
    let hasBeenDown = false
    const waiting: Sink<number> = {
      kind: 'waiting',
      guarantee: 'at-least-once',
      open: async (subtask, _pending, context) => {
        const writer = await inner.open(subtask, [])
        // Says nothing while all is well.
        context.trying()
        context.up()
        return {
          ...writer,
          write: async (batch, reject) => {
            if (!hasBeenDown) {
              hasBeenDown = true
              context.down('connection refused')
              context.trying()
              context.down('connection refused again')
              context.trying()
              context.up()
            }
            await writer.write(batch, reject)
          },
          prepare: (checkpoint) => writer.prepare(checkpoint),
          commit: (committable) => writer.commit!(committable as never),
          close: () => writer.close(),
        }
      },
    }
    const source = pacedSource({ all: thousand }, 2)
    const { result, events } = await live((p) =>
      p
        .from('numbers', {
          ...source,
          discover: (context) => source.discover(context),
          open: (split, from, context) => {
            context.down('no broker')
            context.trying()
            context.up()
            return source.open(split, from as number | undefined, context)
          },
        })
        .to('out', waiting),
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(
      events.filter((event) => 'part' in event && event.part === 'numbers').map(({ kind }) => kind),
    ).toEqual(['outage', 'recovered'])
    const ofSink = events.filter((event) => !('part' in event) || event.part === 'out')
    expect(kinds(ofSink)).toEqual(['outage', 'open', 'half-open', 'open', 'half-open', 'closed', 'recovered'])
  })

  test('again and again, at every kind of call: each record is written once', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const outages = Array.from({ length: 12 }, (_, i) => [i * 37 + seed, i * 37 + seed + 9 + i] as const)
      const platform = simPlatform({ seed })
      const { result, sink } = await writeThousand(
        outages.filter(([from]) => from > 1),
        { platform, checkpoints: { everyMs: 5 }, retry: { firstDelay: 1, longestDelay: 3 } },
      )
      expect(result).toEqual({ outcome: 'finished' })
      expect(sink.inner.values).toEqual(thousand)
    }
  })

  test('a record that was rejected before the outage is one dead letter, however often its batch is written', async () => {
    const letters = memory.write<DeadLetter>()
    const numbers = thousand.flatMap((n) => [n, -n - 1])
    const { result, sink } = await writeThousand([[233, 2 * minute]], {
      numbers,
      onError: deadLetter('letters', letters),
    })
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.inner.values).toEqual(thousand)
    expect(letters.values.map(({ value }) => value)).toEqual(thousand.map((n) => String(-n - 1)))
  })

  test('fails the job once its attempts or its budget are used up', async () => {
    const used = await writeThousand([[200, Infinity]], { retry: { attempts: 3, firstDelay: 1 } })
    expect(used.result).toMatchObject({ outcome: 'failed', error: { code: 'SINK_FAILED' } })
    expect(used.sink.calls.filter(({ at }) => at >= 200)).toHaveLength(3)
    const spent = await writeThousand([[200, Infinity]], { retry: { budget: '1m' } })
    expect(spent.result).toMatchObject({ outcome: 'failed', error: { code: 'SINK_FAILED' } })
    expect(spent.sink.calls.at(-1)!.at).toBeGreaterThan(50_000)
    expect(spent.sink.calls.at(-1)!.at).toBeLessThanOrEqual(200 + minute + 6_000)
  })

  test('any other error is repeated only if retryIf says so', async () => {
    const error = (): Error => new Error('ECONNRESET')
    const failed = await writeThousand([[200, 400]], { error })
    expect(failed.result).toMatchObject({ outcome: 'failed' })
    const { result, sink } = await writeThousand([[200, 400]], {
      error,
      retry: { retryIf: (thrown) => thrown instanceof Error && thrown.message === 'ECONNRESET' },
    })
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.inner.values).toEqual(thousand)
  })

  test('a first start fails at once, a restart in the same process waits', async () => {
    const restart = { kind: 'fixed', delayMs: 1, attempts: 3 } as const
    const wrong = await writeThousand([[0, Infinity]])
    expect(wrong.result).toMatchObject({ outcome: 'failed', error: { code: 'SINK_FAILED' } })
    expect(wrong.sink.calls).toEqual([{ call: 'check', at: 0 }])
    let failures = 1
    const platform = simPlatform({ seed: 1 })
    const sink = new RemoteSink(platform, [[300, 10 * minute]])
    const { result } = await live(
      (p) =>
        p
          .from('numbers', pacedSource({ all: thousand }, 2))
          .map((n) => {
            if (n === 580 && failures-- > 0) throw new Error('fails once')
            return n
          })
          .to('out', sink),
      { platform, restart },
    )
    expect(result).toEqual({ outcome: 'finished' })
    expect(sink.inner.values).toEqual(thousand)
  })

  test.each(['stop', 'cancel'] as const)('a job that waits for it in a restart obeys a %s', async (how) => {
    let failures = 1
    const platform = simPlatform({ seed: 1 })
    const sink = new RemoteSink(platform, [[250, Infinity]])
    let restarts = 0
    const { result } = await live(
      (p) =>
        p
          .from('numbers', pacedSource({ all: thousand }, 2))
          .map((n) => {
            if (n === 480 && failures-- > 0) throw new Error('fails once')
            return n
          })
          .to('out', sink),
      {
        platform,
        restart: { kind: 'fixed', delayMs: 100, attempts: 3 },
        onEvent: (event, job) => {
          if (event.kind === 'started') restarts++
          if (event.kind === 'breaker' && restarts === 2) void job[how]()
        },
      },
    )
    expect(result).toMatchObject({ outcome: how === 'stop' ? 'stopped' : 'failed' })
  })
})
