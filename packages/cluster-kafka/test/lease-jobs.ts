import type { KafkaPort, World } from '@millrace/connector-kafka/port'
import { memory, type Collected, type MemorySink } from '@millrace/connector-memory'
import type { Fs } from '@millrace/core/disk'
import type { Graph } from '@millrace/core/graph'
import { startJob, type Job, type JobOptions, type JobResult } from '@millrace/core/job'
import { pipeline, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { systemScheduler, type ManualClock } from '@millrace/world'
import { CollectedBatches } from '../src/lease/lease-transaction.ts'
import { graphOfLease } from '../src/shuffle/graph-of-lease.ts'
import { shuffleTopics } from '../src/shuffle/shuffle-edge.ts'
import { MemoryKafka } from '../src/testing.ts'

/** Gives the sink of a name, one for each lease. */
export type SinkOf = <T>(name: string) => MemorySink<T>

/** Builds a pipeline for one lease. */
export type Build = (p: PipelineBuilder, sink: SinkOf) => void

export type LeaseOptions = Partial<Omit<JobOptions, 'graph' | 'platform' | 'store' | 'directory'>>

/** A job in several leases, each a job of its own, in one process and over one cluster in memory. */
export class LeaseJobs {
  readonly platform: SimPlatform
  readonly kafka: MemoryKafka
  readonly leases: number
  readonly #build: Build
  readonly #sinks = new Map<string, MemorySink<unknown>[]>()

  constructor(build: Build, leases: number, seed = 1) {
    this.#build = build
    this.leases = leases
    this.platform = simPlatform({ seed })
    this.kafka = new MemoryKafka({ clock: this.platform.clock, random: this.platform.random.fork('kafka') })
  }

  /** What all leases have written to the sinks of a name, in no order. */
  values<T>(name: string): readonly T[] {
    return (this.#sinks.get(name) ?? []).flatMap((sink) => sink.values as readonly T[])
  }

  /** The values of the records of the topic `results`, as text. */
  get results(): readonly string[] {
    return [0, 1, 2].flatMap((partition) =>
      this.kafka
        .records({ topic: 'results', partition })
        .map(({ value }) => String(value && new TextDecoder().decode(value))),
    )
  }

  /** The same, with headers. */
  collected(name: string): readonly Collected<unknown>[] {
    return (this.#sinks.get(name) ?? []).flatMap((sink) => sink.committed)
  }

  /** Runs all leases from where they are until they end. */
  async run(options: LeaseOptions = {}): Promise<readonly JobResult[]> {
    const ports: AbortController[] = []
    const jobs = await Promise.all(
      Array.from({ length: this.leases }, async (_, lease) => {
        const ending = new AbortController()
        ports.push(ending)
        return this.#start(lease, options, ending.signal)
      }),
    )
    const results = await driveAll(jobs, this.platform.clock)
    for (const ending of ports) ending.abort()
    return results
  }

  async #start(lease: number, options: LeaseOptions, signal: AbortSignal): Promise<Job> {
    const { platform, leases } = this
    const directory = `lease-${lease}`
    const port = this.kafka.port(this.#world(signal), directory)
    const { graph } = pipeline('test', (p) => this.#build(p, (name) => this.#sink(name, lease))).describe()
    const results = { name: 'results', partitions: 3, settings: {} }
    await port.createTopics([...shuffleTopics(graph, { job: 'job', leases }), results])
    const transaction = new CollectedBatches(platform.fs, `scratch-${lease}`)
    return startJob({
      isBounded: true,
      checkpoints: { everyMs: 20 },
      restart: { kind: 'none' },
      ...options,
      graph: graphOfLease(graph, { job: 'job', lease, leases, keyGroups: 128, port, transaction }),
      platform: { ...platform, fs: await committing(platform.fs, port, `job-${lease}`, transaction) },
      store: memoryStore(),
      directory,
      observer: (event) => {
        if (event.kind === 'failed') void transaction.discard()
        options.observer?.(event)
      },
    })
  }

  #sink<T>(name: string, lease: number): MemorySink<T> {
    const sinks = this.#sinks.get(name) ?? []
    this.#sinks.set(name, sinks)
    return (sinks[lease] ??= memory.write<unknown>()) as MemorySink<T>
  }

  #world(signal: AbortSignal): World {
    const { clock } = this.platform
    return { clock, signal, warn: () => {}, down: () => {}, trying: () => {}, up: () => {} }
  }
}

/** The same pipeline as one job with one subtask, which may run several times. */
export class EmbeddedJob {
  readonly #platform = simPlatform({ seed: 1 })
  readonly #sinks = new Map<string, MemorySink<unknown>>()
  readonly #graph: Graph

  constructor(build: Build) {
    const sinkOf: SinkOf = <T>(name: string) => {
      const sink = this.#sinks.get(name) ?? memory.write<unknown>()
      this.#sinks.set(name, sink)
      return sink as MemorySink<T>
    }
    this.#graph = pipeline('test', (p) => build(p, sinkOf)).describe().graph
  }

  async run(): Promise<this> {
    const job = startJob({
      isBounded: true,
      checkpoints: { everyMs: 20 },
      restart: { kind: 'none' },
      graph: this.#graph,
      platform: this.#platform,
      store: memoryStore(),
      directory: 'data',
    })
    const [result] = await driveAll([job], this.#platform.clock)
    if (result?.outcome === 'failed') throw result.error
    return this
  }

  values(name: string): readonly unknown[] {
    return this.collected(name).map(({ value }) => value)
  }

  /** The same, with headers. */
  collected(name: string): readonly Collected<unknown>[] {
    return this.#sinks.get(name)?.committed ?? []
  }
}

/** A file system that makes the transaction of a lease visible with each manifest: the part of a lease that a shuffle needs. */
async function committing(fs: Fs, port: KafkaPort, id: string, transaction: CollectedBatches): Promise<Fs> {
  const producer = await port.atomic(id, 60_000)
  return new Proxy(fs, {
    get(target, name) {
      if (name === 'rename') {
        return async (from: string, to: string): Promise<void> => {
          if (/checkpoint-[^/]*\.json$/.test(to)) {
            const taken = await transaction.take()
            await producer.commit(taken.batches)
            await taken.discard()
          }
          await target.rename(from, to)
        }
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/** Runs jobs in simulated time until all have ended. */
async function driveAll(jobs: readonly Job[], clock: ManualClock): Promise<readonly JobResult[]> {
  const results = new Map<Job, JobResult>()
  for (const job of jobs) void job.ended.then((result) => results.set(job, result))
  for (let steps = 0; results.size < jobs.length; steps++) {
    for (let turn = 0; turn < 12; turn++) await systemScheduler.turn()
    if (steps > 4_000)
      throw new Error(`the leases do not end: ${JSON.stringify(jobs.map((job) => job.status().phase))}`)
    await clock.advance(clock.nextDelay() ?? 0)
  }
  return jobs.map((job) => results.get(job)!)
}
