import { memory } from '@millrace/connector-memory'
import type { Sink, SinkWriter } from '@millrace/core/connector'
import type { Job, JobEvent, StopBudgets, StopProgress } from '@millrace/core/job'
import { simPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, type SimulatedLife } from './simulated-job.ts'

const numbers = Array.from({ length: 2_000 }, (_, n) => n)
/** Waits without end, also when the job ends. */
const forever = (): Promise<never> => new Promise(() => {})

type Stall = 'write' | 'prepare' | 'commit' | 'close'

/** A memory sink, of which one call waits without end once `isStalled`. */
class StallingSink implements Sink<number> {
  readonly kind = 'stalling'
  readonly guarantee = 'exactly-once'
  readonly #inner: ReturnType<typeof memory.write<number>>
  readonly #stall: Stall | undefined
  readonly #callMs: number
  isStalled = false

  /** `callMs`: how long calls take once it `isStalled`. */
  constructor(inner: ReturnType<typeof memory.write<number>>, stall: Stall | undefined, callMs = 0) {
    this.#inner = inner
    this.#stall = stall
    this.#callMs = callMs
  }

  async open(
    ...[subtask, pending, { clock }]: Parameters<Sink<number>['open']>
  ): Promise<SinkWriter<number>> {
    const writer = await this.#inner.open(subtask, pending as never[])
    const at = async <T>(call: Stall, act: () => T): Promise<Awaited<T>> => {
      if (this.isStalled && call === this.#stall) await forever()
      if (this.isStalled && this.#callMs > 0) await sleep(clock, this.#callMs)
      return await act()
    }
    return {
      write: (batch, reject) => at('write', () => writer.write(batch, reject)),
      prepare: (checkpoint) => at('prepare', () => writer.prepare(checkpoint)),
      commit: (committable) => at('commit', () => writer.commit!(committable as never)),
      close: () => at('close', () => writer.close()),
    }
  }
}

interface Stopped extends SimulatedLife {
  readonly tookMs: number
  /** The phases that the status has shown. */
  readonly seen: readonly StopProgress['phase'][]
}

/** Stops a job over numbers at its third checkpoint; from then on a call of its sink may be stalled. */
async function stopped(
  stall: Stall | undefined,
  stop: Partial<StopBudgets>,
  {
    out = memory.write<number>(),
    platform = simPlatform({ seed: 1 }),
    drain = false,
    callMs = 0,
    againAfterMs = Infinity,
    hasOtherSink = false,
  } = {},
): Promise<Stopped> {
  const sink = new StallingSink(out, stall, callMs)
  let stoppedAt = 0
  let checkpoints = 0
  const seen: StopProgress['phase'][] = []
  const look = async (job: Job): Promise<void> => {
    while (job.status().phase === 'stopping') {
      const phase = job.status().stop?.phase
      if (phase !== undefined && phase !== seen.at(-1)) seen.push(phase)
      await sleep(platform.clock, 1)
    }
  }
  const onEvent = (event: JobEvent, job: Job): void => {
    if (event.kind !== 'checkpointCompleted' || ++checkpoints !== 3) return
    sink.isStalled = stall === 'write'
    platform.clock.schedule(5, () => {
      sink.isStalled = true
      stoppedAt = platform.clock.monotonic()
      void job.stop({ drain })
      void look(job)
    })
    if (againAfterMs < Infinity) platform.clock.schedule(5 + againAfterMs, () => void job.stop({ drain }))
  }
  const build: Parameters<typeof live>[0] = (p) => {
    const source = p.from('numbers', pacedSource({ all: numbers }, 2))
    source.to('out', sink)
    if (hasOtherSink) source.to('other', memory.write<number>())
  }
  const life = await live(build, { platform, stop, checkpoints: { everyMs: 50 }, onEvent })
  return { ...life, seen, tookMs: platform.clock.monotonic() - stoppedAt }
}

const budgets = { intake: 1_000, drain: 2_000, checkpoint: 3_000, commit: 4_000, close: 5_000 }

describe('a stop with budgets', () => {
  test.each([
    { stall: 'write', phase: 'drain', tookMs: 2_000 + 2_000 },
    { stall: 'prepare', phase: 'drain', tookMs: 2_000 + 2_000 },
    { stall: 'commit', phase: 'commit', tookMs: 4_000 + 2_000 },
  ] as const)(
    'ends in the phase $phase when $stall of a sink does not return, names both, and a later start has every record once',
    async ({ stall, phase, tookMs }) => {
      const out = memory.write<number>()
      const platform = simPlatform({ seed: 1 })
      const first = await stopped(stall, budgets, { out, platform })
      expect(first.result).toMatchObject({
        outcome: 'failed',
        error: {
          code: 'STOP_TIMEOUT',
          message: expect.stringMatching(
            new RegExp(`its phase '${phase}' took longer than .* waited for 'out'`),
          ),
        },
      })
      // Two more seconds are for closing, in which the call still hangs.
      expect(first.tookMs).toBeGreaterThanOrEqual(tookMs)
      expect(first.tookMs).toBeLessThan(tookMs + 200)
      const build: Parameters<typeof live>[0] = (p) =>
        p.from('numbers', pacedSource({ all: numbers }, 2)).to('out', new StallingSink(out, undefined))
      const second = await live(build, { platform: simPlatform({ seed: 2, fs: platform.fs.afterKill() }) })
      expect(second.result).toEqual({ outcome: 'finished' })
      expect(out.values).toEqual(numbers)
    },
  )

  test('ends when a sink does not close, although all is committed, and keeps the data directory', async () => {
    const out = memory.write<number>()
    const { result, tookMs } = await stopped('close', budgets, { out })
    expect(result).toMatchObject({
      outcome: 'failed',
      error: {
        code: 'STOP_TIMEOUT',
        message: expect.stringMatching(/'close' took longer than 5s .*All is committed/),
      },
    })
    expect(tookMs).toBeLessThan(5_200)
    expect(out.values.length).toBeGreaterThan(0)
  })

  test('passes all phases in order when nothing is stalled', async () => {
    const { result, seen } = await stopped(undefined, budgets, { callMs: 5 })
    expect(result).toEqual({ outcome: 'stopped' })
    expect(seen).toEqual(['intake', 'drain', 'commit', 'close'])
  })

  test('a stop that is asked for again does not prolong its phase', async () => {
    const { result, tookMs } = await stopped('commit', budgets, { againAfterMs: 3_000 })
    expect(result).toMatchObject({ error: { code: 'STOP_TIMEOUT' } })
    expect(tookMs).toBeLessThan(4_000 + 2_000 + 200)
  })

  test('with drain waits for the tasks that have not ended', async () => {
    const { result } = await stopped('write', budgets, { drain: true })
    expect(result).toMatchObject({
      error: { message: expect.stringMatching(/'drain' .* waited for .*'out'/) },
    })
  })

  test('names in the phase commit only the sink that has not committed', async () => {
    const { result } = await stopped('commit', budgets, { hasOtherSink: true })
    expect(result).toMatchObject({ error: { message: expect.stringMatching(/waited for 'out'\. /) } })
  })

  test('a budget that is no time is refused', async () => {
    await expect(stopped(undefined, { drain: 0 })).rejects.toThrow('stop.drain is 0')
  })
})
