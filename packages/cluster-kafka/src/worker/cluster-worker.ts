import type { KafkaPort, World } from '@millrace/connector-kafka/port'
import { describeError, MillraceError, type Key } from '@millrace/core'
import { subtaskOfRecord } from '@millrace/core/connector'
import { inputsOf, type Graph } from '@millrace/core/graph'
import type { LeaseStatus } from '../lease/lease.ts'
import type { JobEnding, WorkerPlace } from '../placement/messages.ts'
import { Placement } from '../placement/placement.ts'
import { changelogSettings, changelogTopic } from '../replica/changelog.ts'
import { shuffleTopics } from '../shuffle/shuffle-edge.ts'
import { HeldLeases, type LeaseCopy } from './held-leases.ts'
import {
  workerSettingsOf,
  type WorkerOptions,
  type WorkerResult,
  type WorkerSettings,
} from './worker-options.ts'

/** What a worker does now. */
export interface WorkerStatus {
  readonly phase: 'joining' | 'running' | 'stopping' | 'ended'
  /** The leases that it holds, by number. */
  readonly leases: readonly { readonly lease: number; readonly status: LeaseStatus }[]
  /** How many workers the group has; 0 before this one has joined. */
  readonly workers: number
  /** Where the leases are, as of the newest division. One that moves may be nowhere. */
  readonly places: readonly WorkerPlace[]
}

/**
 * Starts a worker: one process of several that run a job together. Throws `OPTION_INVALID` and `GRAPH_INVALID` for invalid input;
 * every later error ends the worker. (The division of work is that of Kafka Streams' tasks.)
 *
 * @example
 * const worker = startWorker({ job, graphOf, connect: connectPort({ brokers: 'localhost:9092' }), leases: 16 })
 * const result = await worker.ended
 */
export function startWorker(options: WorkerOptions): ClusterWorker {
  return new ClusterWorker(workerSettingsOf(options))
}

/** A process of several that run a job together. */
export class ClusterWorker {
  /** Never rejects. */
  readonly ended: Promise<WorkerResult>
  readonly #settings: WorkerSettings
  /** The graph before it is divided: what it says of the whole job. */
  readonly #whole: Graph
  readonly #ending = new AbortController()
  #phase: WorkerStatus['phase'] = 'joining'
  /** How the job is to end, as this worker was asked, and as the group says. */
  #asked: JobEnding | undefined
  #heard: JobEnding | undefined
  #workers = 0
  #places: readonly WorkerPlace[] = []
  #held: HeldLeases | undefined
  #placement: Placement | undefined
  #end!: (result: WorkerResult) => void

  constructor(settings: WorkerSettings) {
    this.#settings = settings
    this.#whole = settings.graphOf()
    requireOwnSources(this.#whole, settings.graphOf())
    const outcome = new Promise<WorkerResult>((resolve) => (this.#end = resolve))
    this.ended = this.#run(outcome)
  }

  /** The graph of the job before it is divided. */
  get graph(): Graph {
    return this.#whole
  }

  /** Into how many leases the job is divided. */
  get leases(): number {
    return this.#settings.leases
  }

  status(): WorkerStatus {
    const isJoining = this.#phase === 'running' && this.#placement === undefined
    return {
      phase: isJoining ? 'joining' : this.#phase,
      leases: this.#statuses(),
      workers: this.#workers,
      places: this.#places,
    }
  }

  /** The lease that has what an operator keeps for a key; undefined if any of them may have it. */
  leaseOfKey(operator: string, key: Key): number | undefined {
    const { leases, job } = this.#settings
    const node = this.#whole.nodes.find(({ name }) => name === operator)
    const [first] = node === undefined ? [] : inputsOf(node)
    return first?.exchange.kind === 'key' ? subtaskOfRecord(key, same, leases, job.keyGroups) : undefined
  }

  /** The copy of a lease of another worker that this one keeps; undefined if it keeps none. */
  copyOf(lease: number): LeaseCopy | undefined {
    return this.#held?.copyOf(lease)
  }

  /** The leases that the group has given to this worker, also those that have not begun yet. */
  #statuses(): WorkerStatus['leases'] {
    const statuses = new Map(this.#held?.statuses.map(({ lease, status }) => [lease, status]))
    for (const lease of this.#placement?.held ?? []) {
      if (!statuses.has(lease)) statuses.set(lease, { phase: 'restoring', progress: undefined })
    }
    return [...statuses].toSorted(([a], [b]) => a - b).map(([lease, status]) => ({ lease, status }))
  }

  /** Makes a last checkpoint of each lease, and leaves the group: others continue. */
  stop(): Promise<WorkerResult> {
    if (this.#phase !== 'ended') this.#phase = 'stopping'
    this.#end({ outcome: 'stopped' })
    return this.ended
  }

  /**
   * Ends the job, in all workers. With `stop` they make last checkpoints, and a later start continues there. With `drain` its input ends:
   * what was read is finished, windows and timers fire, and all workers end, also if this one is gone by then.
   */
  end(how: JobEnding): Promise<WorkerResult> {
    this.#asked = how
    this.#placement?.end(how)
    return this.ended
  }

  async #run(outcome: Promise<WorkerResult>): Promise<WorkerResult> {
    let result: WorkerResult
    try {
      result = await this.#work(outcome)
    } catch (error) {
      result = { outcome: 'failed', error }
    }
    this.#phase = 'ended'
    this.#ending.abort()
    return result
  }

  async #work(outcome: Promise<WorkerResult>): Promise<WorkerResult> {
    const { connect } = this.#settings
    const port = await connect(`the job '${this.#job}'`, this.#world())
    try {
      await port.createTopics(this.#topics())
      const held = await HeldLeases.open({
        settings: this.#settings,
        job: this.#job,
        sources: this.#whole.nodes.flatMap(({ kind, name }) => (kind === 'source' ? [name] : [])),
        port,
        copied: () => this.#placement?.copied(),
        ended: (lease, end) => {
          this.#settings.observer({ kind: 'leaseEnded', lease, end })
          if (end.outcome === 'failed') this.#end({ outcome: 'failed', error: end.error })
          else this.#placement?.finished(lease)
        },
      })
      this.#held = held
      await this.#join(port, held)
      if (this.#asked !== undefined) this.#placement?.end(this.#asked)
      const result = await outcome
      if (result.outcome === 'failed') await held.lose('a lease of this worker has failed')
      await held.releaseAll()
      return result
    } finally {
      await this.#placement?.leave()
      await port.close()
    }
  }

  async #join(port: KafkaPort, held: HeldLeases): Promise<void> {
    const { leases, name, address, standbys, sessionMs, observer } = this.#settings
    this.#placement = await Placement.join({
      port,
      clock: this.#settings.job.platform.clock,
      group: `millrace-${this.#job}`,
      instance: name,
      address,
      leases,
      standbys,
      sessionMs,
      cached: () => held.cached,
      current: () => held.current,
      joined: (workers, places) => {
        if (this.#workers !== workers) observer({ kind: 'joined', workers })
        this.#workers = workers
        this.#places = places
        if (this.#phase === 'joining') this.#phase = 'running'
      },
      gain: (lease, run) => held.gain(lease, run),
      release: (lease) => held.release(lease),
      copy: (others) => held.copy(others),
      lost: async (reason, isFenced) => {
        observer({ kind: 'removed', reason })
        this.#workers = 0
        this.#places = []
        if (isFenced) this.#end({ outcome: 'failed', error: fenced(name, reason) })
        await held.lose(reason)
      },
      ending: (how) => {
        if (this.#heard !== how) observer({ kind: 'ending', how })
        this.#heard = how
        if (how === 'drain') held.drain()
        else void this.stop()
      },
      over: () => this.#end({ outcome: 'finished' }),
      failed: (problem) => {
        const error = new MillraceError('OPTION_INVALID', `job '${this.#job}': ${problem}`, { isFinal: true })
        this.#end({ outcome: 'failed', error })
      },
    })
  }

  #topics(): Parameters<KafkaPort['createTopics']>[0] {
    const { leases } = this.#settings
    const changelog = { name: changelogTopic(this.#job), partitions: leases, settings: changelogSettings }
    return [changelog, ...shuffleTopics(this.#whole, { job: this.#job, leases })]
  }

  get #job(): string {
    return this.#whole.name
  }

  #world(): World {
    const { job, observer } = this.#settings
    return {
      clock: job.platform.clock,
      signal: this.#ending.signal,
      warn: (message) => observer({ kind: 'warning', message }),
      down: (reason) => observer({ kind: 'outage', reason: describeError(reason) }),
      trying: () => {},
      up: () => observer({ kind: 'recovered' }),
    }
  }
}

function same(key: unknown): Key {
  return key as Key
}

function fenced(name: string | undefined, reason: string): MillraceError {
  const why =
    name === undefined
      ? reason
      : `another worker has joined the group under the name '${name}'; give each worker a name of its own`
  return new MillraceError('CANCELLED', `the group has removed this worker: ${why}`, { isFinal: true })
}

/** Throws `GRAPH_INVALID` if two builds of the pipeline share a source, because a source belongs to one job. */
function requireOwnSources(first: Graph, second: Graph): void {
  const before = new Map(
    first.nodes.flatMap((node) => (node.kind === 'source' ? [[node.source, node.name]] : [])),
  )
  for (const node of second.nodes) {
    if (node.kind === 'source' && before.has(node.source)) {
      throw new MillraceError(
        'GRAPH_INVALID',
        `source '${node.name}' is created outside of the function that builds the pipeline, so all leases would share it. Create it where it is used: p.from('${node.name}', kafka.readJson(...))`,
      )
    }
  }
}
