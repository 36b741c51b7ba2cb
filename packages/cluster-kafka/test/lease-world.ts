import type { KafkaPort, World } from '@millrace/connector-kafka/port'
import type { Platform } from '@millrace/core/disk'
import type { Sink } from '@millrace/core/connector'
import type { Graph } from '@millrace/core/graph'
import type { StateStore } from '@millrace/core/store'
import { pipeline } from '@millrace/flow'
import { SimFs, simPlatform } from '@millrace/testkit'
import { ManualClock, sleep, systemScheduler } from '@millrace/world'
import {
  changelogSettings,
  changelogTopic,
  openLease,
  openStandby,
  type Lease,
  type LeaseEvent,
  type LeaseOptions,
  type LeaseTransaction,
  type Standby,
} from '../src/index.ts'
import { MemoryKafka } from '../src/testing.ts'
import { contributingSink } from './contributing-sink.ts'
import { pacedNumbers } from './paced-numbers.ts'

export const directory = 'lease-0'
const keys = 5

/** A process with a lease, or a standby. */
export interface TestProcess {
  readonly name: string
  readonly platform: Platform & { readonly fs: SimFs }
  readonly events: LeaseEvent[]
  readonly warnings: string[]
  readonly lease: Lease
  /** Ends everything that the process does in the cluster. */
  stop(): void
}

/** Several machines and a cluster, with one clock; the job sums up numbers by key. */
export class LeaseWorld {
  readonly clock = new ManualClock(1_767_225_600_000)
  readonly kafka: MemoryKafka = new MemoryKafka({ clock: this.clock })
  readonly count: number
  /** Throws at this number, once. */
  poison: number | undefined
  /** The names by which the second sink knows its job, one for each opening. */
  readonly jobs: string[] = []
  /** The second sink refuses so many checkpoints, after the first has added its records. */
  refusals = 0
  readonly #makeStore: () => StateStore
  #processes = 0

  constructor(count: number, makeStore: () => StateStore) {
    this.count = count
    this.#makeStore = makeStore
  }

  async begin(): Promise<void> {
    const { port, stop } = this.#port('setup')
    await port.createTopics([
      { name: changelogTopic('sums'), partitions: 1, settings: changelogSettings },
      { name: 'out', partitions: 1, settings: {} },
    ])
    stop()
  }

  /** Starts a process that opens the lease on a disk. */
  open(fs: SimFs, more: Partial<LeaseOptions> = {}): TestProcess {
    const name = `process ${++this.#processes}`
    const { port, stop } = this.#port(name)
    const platform = this.#platform(fs)
    const events: LeaseEvent[] = []
    const warnings: string[] = []
    const lease = openLease({
      port,
      platform,
      store: this.#makeStore(),
      graphOf: (transaction) => this.#graph(transaction),
      directory,
      job: 'sums',
      lease: 0,
      options: { isBounded: true, checkpoints: { everyMs: 10 } },
      onEvent: (event) => {
        events.push(event)
        if (event.kind === 'warning') warnings.push(event.message)
      },
      ...more,
    })
    return { name, platform, events, warnings, lease, stop }
  }

  /** Starts a process that follows the lease on a disk. */
  async follow(fs: SimFs): Promise<Standby> {
    const { port } = this.#port(`process ${++this.#processes}`)
    const { signal } = new AbortController()
    const platform = this.#platform(fs)
    return openStandby({ port, platform, directory, job: 'sums', lease: 0, signal, warn: () => {} })
  }

  /** Moves time on until a condition holds, for some milliseconds at most. */
  async drive(ms: number, until: () => boolean = () => false): Promise<void> {
    const end = this.clock.monotonic() + ms
    for (;;) {
      await settle(12)
      // A long step cannot be undone.
      if ((this.clock.nextDelay() ?? Infinity) > 100) await settle(100)
      if (until()) return
      const left = end - this.clock.monotonic()
      if (left <= 0) return
      await this.clock.advance(Math.min(left, this.clock.nextDelay() ?? left))
    }
  }

  /** The results that readers of committed records get. */
  get results(): readonly string[] {
    return this.kafka
      .records({ topic: 'out', partition: 0 })
      .map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array(0)))
  }

  /** All results of the whole input. */
  get expected(): readonly string[] {
    const sums = new Map<number, number>()
    return Array.from({ length: this.count }, (_, n) => {
      const key = n % keys
      const value = (sums.get(key) ?? 0) + n
      sums.set(key, value)
      return JSON.stringify({ key, value })
    })
  }

  /** The cluster for what reads it beside the leases. */
  port(process: string): KafkaPort {
    return this.#port(process).port
  }

  #graph(transaction: LeaseTransaction): Graph {
    return pipeline('sums', (p) => {
      const sums = p
        .from('numbers', pacedNumbers(this.count))
        .keyBy((n) => n % keys)
        .scan(
          'sum',
          () => 0,
          (total, n) => this.#added(total, n),
        )
      sums.to('out', contributingSink(transaction, 'out'))
      sums.to('refusing', this.#refusingSink())
    }).describe().graph
  }

  #refusingSink(): Sink<unknown> {
    return {
      kind: 'refusing',
      guarantee: 'exactly-once',
      open: async (_subtask, _pending, { owner }) => ({
        write: () => void (this.jobs.at(-1) === owner.job || this.jobs.push(owner.job)),
        prepare: async () => {
          if (this.refusals <= 0) return undefined
          this.refusals--
          await sleep(this.clock, 1)
          throw new Error('this checkpoint is refused')
        },
        close: async () => {},
      }),
    }
  }

  #added(total: number, n: number): number {
    if (n === this.poison) {
      this.poison = undefined
      throw new Error('this record fails once')
    }
    return total + n
  }

  #platform(fs: SimFs): Platform & { readonly fs: SimFs } {
    return { ...simPlatform({ seed: this.#processes, fs }), clock: this.clock, scheduler: systemScheduler }
  }

  #port(process: string) {
    const stopping = new AbortController()
    const world: World = {
      clock: this.clock,
      signal: stopping.signal,
      warn: () => {},
      down: () => {},
      trying: () => {},
      up: () => {},
    }
    return {
      port: this.kafka.port(world, process),
      stop: () => stopping.abort(new Error('the process has ended')),
    }
  }
}

async function settle(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await systemScheduler.turn()
}
