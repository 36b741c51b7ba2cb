import { startWorker, type KafkaPort, type WorkerEvent, type WorkerResult } from '@millrace/cluster-kafka'
import type { MemoryKafka } from '@millrace/cluster-kafka/testing'
import type { Platform } from '@millrace/core/disk'
import { diskStore } from '@millrace/store-disk'
import { memoryStore } from '@millrace/store-memory'
import { SimFs, simPlatform } from '@millrace/testkit'
import type { ManualClock, Random } from '@millrace/world'
import { graphOf, outputTopic } from './job.ts'
import type { Ledger } from './ledger.ts'
import { ProcessFs } from './process-fs.ts'
import { Process } from './process.ts'
import type { Item, Point, Scenario } from './scenario.ts'

/** What all machines share. */
export interface Surroundings {
  readonly scenario: Scenario
  readonly clock: ManualClock
  readonly kafka: MemoryKafka
  readonly ledger: Ledger
  readonly meet: (machine: Machine, item: Item) => void
  /** It has reached a point of its work. Returns how many milliseconds it is held up there, or that what it does there fails. */
  readonly reach: (machine: Machine, point: Point) => number | 'fails'
  readonly observe: (machine: Machine, event: WorkerEvent) => void
  /** A worker has ended by itself, or because it was stopped. */
  readonly ended: (machine: Machine, result: WorkerResult) => void
}

/** A machine with a disk, on which a worker may run: one after the other. */
export class Machine {
  readonly name: string
  readonly #around: Surroundings
  readonly #random: Random
  #fs: SimFs
  #process: Process | undefined
  #worker: ReturnType<typeof startWorker> | undefined
  #lives = 0
  #isLeaving = false
  /** How the disk is left when the process dies in one of its operations. */
  #onCrash: (() => void) | undefined
  /** Whether an operation of its disk was to fail in this life. */
  #hasBadDisk = false

  constructor(name: string, around: Surroundings, random: Random) {
    this.name = name
    this.#around = around
    this.#random = random
    this.#fs = this.#emptyDisk()
  }

  get isRunning(): boolean {
    return this.#process?.isAlive === true
  }

  /** Whether a worker runs that is not about to end. */
  get isStaying(): boolean {
    return this.isRunning && !this.#isLeaving
  }

  get isFrozen(): boolean {
    return this.#process?.isFrozen === true
  }

  /** The name of the process in the cluster; undefined if there is none. */
  get process(): string | undefined {
    return this.isRunning ? this.#process!.name : undefined
  }

  get hasBadDisk(): boolean {
    return this.#hasBadDisk
  }

  /** What the worker is doing, for messages. */
  get shown(): string {
    if (!this.isRunning) return `${this.name}: not running`
    const { phase, leases } = this.#worker!.status()
    const held = leases.map(({ lease, status }) => `${lease} ${status.phase}`)
    return `${this.#process!.name}: ${this.isFrozen ? 'frozen' : phase}, ${held.join(', ') || 'no lease'}`
  }

  /** Starts a worker, on the disk as it is. */
  start(): void {
    if (this.isRunning) return
    this.#isLeaving = false
    this.#hasBadDisk = false
    const { scenario, clock, kafka, ledger, meet, observe, ended } = this.#around
    const { setting } = scenario
    const random = this.#random.fork(`life ${++this.#lives}`)
    const skewMs = Math.round((2 * random.next() - 1) * setting.skewMs)
    const { turnMs } = setting
    const process = new Process(`${this.name}.${this.#lives}`, clock, { skewMs, turnMs })
    this.#process = process
    const platform = this.#platform(process, random)
    const openPort = (world: Parameters<MemoryKafka['port']>[0]): KafkaPort => kafka.port(world, process.name)
    const calls = random.fork('ledger')
    const onTheWay = (): Promise<void> => process.later(calls.next() * setting.latencyMs)
    const callLedger = async (action: (of: Ledger) => void): Promise<void> => {
      await onTheWay()
      action(ledger)
      await onTheWay()
    }
    const worker = startWorker({
      job: {
        platform,
        store:
          setting.store === 'disk'
            ? diskStore({ segmentBytes: 4_096 })
            : memoryStore({ segmentBytes: 4_096 }),
        directory: 'worker',
        isBounded: setting.isBounded,
        checkpoints: { everyMs: setting.everyMs },
        batchRecords: setting.batchRecords,
      },
      graphOf: () =>
        graphOf({
          scenario,
          openPort,
          address: kafka.address,
          meet: (item) => meet(this, item),
          callLedger,
        }),
      connect: (_what, world) => Promise.resolve(openPort(world)),
      leases: setting.leases,
      standbys: Math.min(setting.standbys, setting.leases),
      sessionMs: setting.sessionMs,
      ...(setting.areNamed && { name: this.name }),
      observer: (event) => {
        if (process.isAlive) observe(this, event)
      },
    })
    this.#worker = worker
    void worker.ended.then((result) => {
      if (!process.isAlive) return
      process.kill()
      kafka.kill(process.name)
      // The next process on this disk is another one, which finds out that this one is gone.
      this.#onCrash = undefined
      this.#fs = this.#fs.afterKill()
      ended(this, result)
    })
  }

  /** Stops the worker with last checkpoints. */
  stop(): void {
    if (!this.isRunning) return
    this.#isLeaving = true
    void this.#worker!.stop()
  }

  /** Nothing happens to it any more, unless it happened before. */
  heal(): void {
    this.#onCrash = undefined
    this.#fs.heal()
    this.thaw()
  }

  /** One of its next operations on the disk fails. */
  failDisk(afterOperations: number): void {
    this.#hasBadDisk = true
    this.#fs.failAt(this.#fs.operations + 1 + afterOperations)
  }

  freeze(): void {
    this.#process?.freeze()
  }

  thaw(): void {
    this.#process?.thaw()
  }

  /**
   * Kills the process, now or in one of its next operations on the disk. The disk keeps everything, or what was synced, or is another
   * one from then on.
   */
  kill(disk: 'kept' | 'torn' | 'new', afterOperations: number, killed: () => void): void {
    const die = (): void => {
      this.#onCrash = undefined
      this.#process!.kill()
      this.#around.kafka.kill(this.#process!.name)
      const random = this.#random.fork(`crash ${this.#lives}`)
      const left = {
        kept: () => this.#fs.afterKill(),
        torn: () => this.#fs.afterPowerLoss(random),
        new: () => this.#emptyDisk(),
      }
      this.#fs = left[disk]()
      killed()
    }
    if (afterOperations === 0) die()
    else {
      this.#onCrash = die
      this.#fs.crashAt(this.#fs.operations + afterOperations)
    }
  }

  #platform(process: Process, random: Random): Platform {
    const { slowShare, slowMs } = this.#around.scenario.setting
    const fs = new ProcessFs(this.#fs, process, {
      slowShare,
      slowMs,
      random: random.fork('disk'),
      crashed: () => this.#onCrash?.(),
      beginsManifest: () => (process.isAlive ? this.#around.reach(this, 'manifest') : 0),
    })
    const { process: facts } = simPlatform({ seed: 1, fs: this.#fs })
    return {
      clock: process.clock,
      scheduler: process.scheduler,
      random: random.fork('platform'),
      fs,
      process: facts,
      workPerTurn: 1 + random.fork('work').int(64),
    }
  }

  #emptyDisk(): SimFs {
    return new SimFs({ random: this.#random.fork(`disk ${this.#lives}`), clock: this.#around.clock })
  }
}

/** The topics of a scenario that are there before its job. */
export function topicsOf({
  inputs,
}: Scenario): readonly { name: string; partitions: number; settings: {} }[] {
  return [
    ...inputs.map(({ name, partitions }) => ({ name, partitions, settings: {} })),
    { name: outputTopic, partitions: 3, settings: {} },
  ]
}
