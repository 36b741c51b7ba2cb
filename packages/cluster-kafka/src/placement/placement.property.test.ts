import fc from 'fast-check'
import { ManualClock, seededRandom, sleep, systemScheduler } from '@millrace/world'
import { expect, test } from 'vitest'
import type { World } from '@millrace/connector-kafka/port'
import { MemoryKafka } from '../memory/memory-kafka.ts'
import { Placement } from './placement.ts'

const sessionMs = 3_000

/** Who runs what, in all workers. */
class Holders {
  readonly running = new Map<number, string>()
  readonly violations: string[] = []
  readonly finished = new Set<number>()

  begin(lease: number, worker: string): void {
    if (this.finished.has(lease)) this.violations.push(`${worker} begins lease ${lease}, which has ended`)
    const other = this.running.get(lease)
    if (other !== undefined) this.violations.push(`${worker} runs lease ${lease}, as does ${other}`)
    this.running.set(lease, worker)
  }

  end(lease: number, worker: string): void {
    if (this.running.get(lease) === worker) this.running.delete(lease)
  }
}

interface WorkerParts {
  readonly clock: ManualClock
  readonly kafka: MemoryKafka
  readonly holders: Holders
  readonly leases: number
  /** How long it takes to begin and to release a lease. */
  readonly stepMs: number
  /** Whether the input of a lease ends when it has begun. */
  readonly isFinishing?: boolean
}

/** A worker that runs leases without doing anything in them. */
class TestWorker {
  readonly name: string
  readonly #parts: WorkerParts
  readonly #stop = new AbortController()
  readonly #running = new Set<number>()
  #placement: Placement | undefined
  workers = 0
  /** The runs that its leases were begun in. */
  readonly runs = new Set<string>()
  /** What it was removed for. */
  readonly losses: string[] = []
  /** Whether it has learned that the input of all leases has ended. */
  isOver = false

  constructor(name: string, parts: WorkerParts) {
    this.name = name
    this.#parts = parts
  }

  async start(instance?: string): Promise<this> {
    const { clock, kafka, holders, leases, stepMs, isFinishing = false } = this.#parts
    const none = (): void => {}
    const world: World = { clock, signal: this.#stop.signal, warn: none, down: none, trying: none, up: none }
    this.#placement = await Placement.join({
      port: kafka.port(world, this.name),
      clock,
      group: 'millrace-job',
      instance,
      leases,
      standbys: 0,
      sessionMs,
      joined: (workers) => (this.workers = workers),
      ending: () => {},
      gain: async (lease, run) => {
        holders.begin(lease, this.name)
        this.#running.add(lease)
        this.runs.add(run)
        await sleep(clock, stepMs)
        if (isFinishing && this.#running.has(lease)) this.#finish(lease)
      },
      release: async (lease) => {
        await sleep(clock, stepMs)
        this.#running.delete(lease)
        holders.end(lease, this.name)
      },
      // What a worker commits after it was removed is refused by the cluster, so it holds nothing from then on.
      lost: async (reason) => {
        this.losses.push(reason)
        this.#forget()
        await sleep(clock, stepMs)
      },
      over: () => {
        this.isOver = true
        // A worker leaves at once.
        void this.leave()
      },
      failed: (problem) => holders.violations.push(problem),
    })
    return this
  }

  get running(): readonly number[] {
    return [...this.#running]
  }

  async leave(): Promise<void> {
    this.#forget()
    await this.#placement?.leave()
  }

  /** It is gone without a word; the cluster fences it when another one opens what it had. */
  kill(): void {
    this.#forget()
    this.#stop.abort(new Error('killed'))
  }

  #finish(lease: number): void {
    this.#parts.holders.finished.add(lease)
    this.#placement!.finished(lease)
  }

  #forget(): void {
    for (const lease of this.#running) this.#parts.holders.end(lease, this.name)
    this.#running.clear()
  }
}

type Step = 'come' | 'leave' | 'kill' | 'cut' | 'wait'

const script = fc.record({
  leases: fc.integer({ min: 1, max: 24 }),
  stepMs: fc.constantFrom(0, 10, 700),
  seed: fc.nat(),
  steps: fc.array(
    fc.record({ step: fc.constantFrom<Step>('come', 'come', 'leave', 'kill', 'cut', 'wait'), at: fc.nat() }),
    { minLength: 1, maxLength: 12 },
  ),
})

/** Moves the clock from timer to timer until `done`. */
async function drive(clock: ManualClock, done: Promise<unknown>): Promise<void> {
  let isDone = false
  const end = done.finally(() => (isDone = true))
  end.catch(() => {})
  while (!isDone) {
    await systemScheduler.turn()
    await clock.advance(clock.nextDelay() ?? 0)
  }
  await end
}

test('workers that come, leave, die and are cut off: no lease runs twice, and in the end each one runs, divided evenly', async () => {
  await fc.assert(
    fc.asyncProperty(script, async ({ leases, stepMs, seed, steps }) => {
      const clock = new ManualClock(1_000_000)
      const kafka = new MemoryKafka({ clock, random: seededRandom(seed), latencyMs: 20 })
      const holders = new Holders()
      const parts = { clock, kafka, holders, leases, stepMs }
      const workers = new Set<TestWorker>()
      let count = 0
      const come = async (): Promise<void> =>
        void workers.add(await new TestWorker(`worker-${count++}`, parts).start())
      const play = async (): Promise<void> => {
        await come()
        for (const { step, at } of steps) {
          const worker = [...workers][at % Math.max(1, workers.size)]
          if (step === 'come' && workers.size < 8) await come()
          else if (step === 'cut' && worker !== undefined) {
            // Its session may end meanwhile, and with it those of nothing else.
            kafka.disconnect(worker.name)
            clock.schedule((at % 3) * sessionMs + (at % 1_000), () => kafka.reconnect(worker.name))
          } else if (step === 'wait') await sleep(clock, at % 4_000)
          else if (worker !== undefined && workers.size > 1 && step !== 'come') {
            workers.delete(worker)
            if (step === 'kill') worker.kill()
            else await worker.leave()
          }
        }
        await sleep(clock, 8 * sessionMs + 20 * (stepMs + 100))
      }
      await drive(clock, play())
      expect(holders.violations).toEqual([])
      const counts = [...workers].map((worker) => worker.running.length)
      expect([...workers].flatMap((worker) => worker.running).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: leases }, (_, lease) => lease),
      )
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      await drive(clock, Promise.all([...workers].map((worker) => worker.leave())))
    }),
    { numRuns: 60 },
  )
})

test('a worker with a name that restarts within its session has its leases again, and no other moves', async () => {
  const clock = new ManualClock(1_000_000)
  const kafka = new MemoryKafka({ clock, random: seededRandom(1) })
  const holders = new Holders()
  const parts = { clock, kafka, holders, leases: 6, stepMs: 10 }
  await drive(
    clock,
    (async () => {
      const [a, b] = [new TestWorker('a', parts), new TestWorker('b', parts)]
      await a.start('a')
      await b.start('b')
      await sleep(clock, 2_000)
      const before = [a.running, b.running]
      expect(before.map(({ length }) => length)).toEqual([3, 3])
      a.kill()
      const again = new TestWorker('a2', parts)
      await again.start('a')
      await sleep(clock, 2_000)
      expect([again.running, b.running]).toEqual(before)
      await b.leave()
      await again.leave()
    })(),
  )
  expect(holders.violations).toEqual([])
})

test('a worker that is cut off drops its leases before its session ends, and has leases again when it is back', async () => {
  const clock = new ManualClock(1_000_000)
  const kafka = new MemoryKafka({ clock, random: seededRandom(1) })
  const holders = new Holders()
  const parts = { clock, kafka, holders, leases: 6, stepMs: 10 }
  const [a, b] = [new TestWorker('a', parts), new TestWorker('b', parts)]
  await drive(
    clock,
    (async () => {
      await a.start()
      await b.start()
      await sleep(clock, 2_000)
      kafka.disconnect('a')
      await sleep(clock, sessionMs - 600)
      expect([a.running, b.running.length]).toEqual([[], 3])
      await sleep(clock, 2 * sessionMs)
      expect([a.losses.length, b.running.length]).toEqual([1, 6])
      kafka.reconnect('a')
      await sleep(clock, 3 * sessionMs)
      expect([a.running.length, b.running.length]).toEqual([3, 3])
      await b.leave()
      await a.leave()
    })(),
  )
  expect(holders.violations).toEqual([])
})

test('a worker that is cut off for less than its session, but for too long to be sure, has its leases again', async () => {
  const clock = new ManualClock(1_000_000)
  const kafka = new MemoryKafka({ clock, random: seededRandom(1) })
  const holders = new Holders()
  const a = new TestWorker('a', { clock, kafka, holders, leases: 3, stepMs: 10 })
  await drive(
    clock,
    (async () => {
      await a.start()
      await sleep(clock, 2_000)
      const { size } = a.runs
      kafka.disconnect('a')
      await sleep(clock, sessionMs - 400)
      expect(a.running).toEqual([])
      kafka.reconnect('a')
      await sleep(clock, 3 * sessionMs)
      expect([a.running, a.runs.size]).toEqual([[0, 1, 2], size])
      await a.leave()
    })(),
  )
  expect(holders.violations).toEqual([])
})

test('workers whose leases have all ended learn it and leave, and none begins a lease that has ended', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        leases: fc.integer({ min: 1, max: 8 }),
        count: fc.integer({ min: 1, max: 6 }),
        seed: fc.nat(),
        stepMs: fc.nat(3_000),
      }),
      async ({ leases, count, seed, stepMs }) => {
        const clock = new ManualClock(1_000_000)
        const kafka = new MemoryKafka({ clock, random: seededRandom(seed), latencyMs: 20 })
        const holders = new Holders()
        const parts = { clock, kafka, holders, leases, stepMs, isFinishing: true }
        const workers = Array.from({ length: count }, (_, n) => new TestWorker(`worker-${n}`, parts))
        await drive(
          clock,
          (async () => {
            await Promise.all(workers.map((worker) => worker.start()))
            await sleep(clock, 30_000)
          })(),
        )
        expect(holders.violations).toEqual([])
        expect(workers.filter(({ isOver }) => !isOver).map(({ name }) => name)).toEqual([])
        expect(new Set(workers.flatMap(({ runs }) => [...runs])).size).toBe(1)
      },
    ),
    { numRuns: 60 },
  )
})
