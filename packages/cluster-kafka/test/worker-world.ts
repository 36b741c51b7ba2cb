import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import { pipeline, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { ManualClock, systemScheduler } from '@millrace/world'
import { startWorker, type ClusterWorker, type WorkerEvent, type WorkerOptions } from '../src/index.ts'
import { MemoryKafka } from '../src/testing.ts'

/** Gives the sink of a name. Each call is another one, because a sink belongs to one run of one lease. */
export type SinkOf = <T>(name: string) => MemorySink<T>

export interface StartedWorker {
  readonly worker: ClusterWorker
  readonly events: readonly WorkerEvent[]
  readonly platform: SimPlatform
}

/** Workers of one job in this process, over a cluster in memory and with one clock. */
export class WorkerWorld {
  readonly clock = new ManualClock(1_767_225_600_000)
  readonly kafka: MemoryKafka = new MemoryKafka({ clock: this.clock })
  readonly #build: (p: PipelineBuilder, sinkOf: SinkOf) => void
  readonly #leases: number
  readonly #sinks: { readonly name: string; readonly sink: MemorySink<unknown> }[] = []
  readonly #open: ClusterWorker[] = []

  constructor(build: (p: PipelineBuilder, sinkOf: SinkOf) => void, leases: number) {
    this.#build = build
    this.#leases = leases
  }

  start(seed: number, more: Partial<WorkerOptions> = {}): StartedWorker {
    const platform = { ...simPlatform({ seed }), clock: this.clock, scheduler: systemScheduler }
    const events: WorkerEvent[] = []
    const worker = startWorker({
      job: { platform, store: memoryStore(), directory: 'leases', checkpoints: { everyMs: 50 } },
      graphOf: () => pipeline('job', (p) => this.#build(p, (name) => this.#sinkOf(name))).describe().graph,
      connect: (_, world) => Promise.resolve(this.kafka.port(world, `process ${seed}`)),
      leases: this.#leases,
      observer: (event) => events.push(event),
      ...more,
    })
    this.#open.push(worker)
    return { worker, events, platform }
  }

  /** What all leases have committed to the sinks of a name, in no order. */
  values<T>(name: string): readonly T[] {
    return this.#sinks.flatMap((each) => (each.name === name ? (each.sink.values as readonly T[]) : []))
  }

  /** Moves time on until a condition holds. */
  async until(holds: () => boolean): Promise<void> {
    const end = this.clock.monotonic() + 120_000
    while (!holds()) {
      if (this.clock.monotonic() > end) throw new Error('it does not happen')
      for (let turn = 0; turn < 12; turn++) await systemScheduler.turn()
      await this.clock.advance(Math.min(this.clock.nextDelay() ?? 100, 100))
    }
  }

  /** Moves time on until a promise is settled. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let isOver = false
    const settled = promise.finally(() => (isOver = true))
    settled.catch(() => {})
    await this.until(() => isOver)
    return settled
  }

  async stop(): Promise<void> {
    await this.during(Promise.all(this.#open.map((worker) => worker.stop())))
  }

  #sinkOf<T>(name: string): MemorySink<T> {
    const sink = memory.write<T>()
    this.#sinks.push({ name, sink: sink as MemorySink<unknown> })
    return sink
  }
}

/** Splits `0` to `splits - 1` of numbers below `end`, each those with the remainder of its name, and then no end. */
export function endlessNumbers(splits: number, end: number): Source<number, number> {
  return {
    kind: 'numbers',
    durability: 'replayable',
    discover: async () => ({ splits: Array.from({ length: splits }, (_, n) => String(n)), isComplete: true }),
    open: async (split, from = Number(split), { signal }) => {
      let next = from
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      return {
        poll: () => {
          if (next >= end) return { kind: 'pending', isCaughtUp: true }
          next += splits
          return { kind: 'records', values: [next - splits] }
        },
        ready: () => stopped,
        position: () => next,
        close: async () => {},
      }
    },
  }
}
