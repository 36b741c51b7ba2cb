import { KafkaFailure, type World } from '../cluster.ts'
import { splitOf, type TopicPartition } from '../record.ts'
import { answeredFailure, codes, failureOf } from './codes.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import {
  metadataRequest,
  type BrokerAddress,
  type Metadata,
  type Request,
  type TopicMetadata,
} from './request.ts'

/** Where a broker may be found. */
export type Place = Pick<BrokerAddress, 'host' | 'port'>

/**
 * Requests for records wait on the broker, and hold up what is behind them: they have a connection of their own. So has each
 * member of a group that waits for others.
 */
export type Lane = 'questions' | 'records' | `member ${number}`

/** The brokers of a cluster, and the connections to them. */
export class Brokers {
  readonly #first: readonly Place[]
  readonly #options: ConnectionOptions
  readonly #world: World
  #known: ReadonlyMap<number, BrokerAddress> = new Map()
  readonly #leaders = new Map<string, number>()
  readonly #connections = new Map<string, Promise<Connection>>()
  /** The one that has answered last. */
  #preferred: Place | undefined
  #members = 0
  #isClosed = false

  constructor(first: readonly Place[], options: ConnectionOptions, world: World) {
    this.#first = first
    this.#options = options
    this.#world = world
  }

  /** Asks any broker for topics. Rejects as `askAny`. */
  async metadata(topics: readonly string[] | undefined): Promise<Metadata> {
    const found = await this.askAny(metadataRequest(topics))
    this.#learn(found)
    return found
  }

  /** Asks any broker. Rejects with the `KafkaFailure` of one of them if none answers. */
  async askAny<T>(request: Request<T>): Promise<T> {
    let failure: KafkaFailure | undefined
    for (const place of this.#places()) {
      try {
        const answer = await this.askAt(place, request)
        this.#preferred = place
        return answer
      } catch (error) {
        if (!(error instanceof KafkaFailure) || this.#isClosed) throw error
        if (failure === undefined || error.isFinal || error.code === codes.tls) failure = error
      }
    }
    throw failure ?? failureOf(codes.transport, 'no broker is known')
  }

  /** What is known of a topic; undefined if there is none. */
  async topic(name: string): Promise<TopicMetadata | undefined> {
    const { topics } = await this.metadata([name])
    const found = topics.find((topic) => topic.name === name)
    if (found === undefined || found.error === codes.unknownPartition || found.error === codes.badName) {
      return undefined
    }
    const failure = answeredFailure(found.error, `topic ${name}`)
    if (failure !== undefined) throw failure
    return found
  }

  /** The broker that leads a partition, as it was known last. Rejects with a `KafkaFailure`. */
  async leader(of: TopicPartition): Promise<BrokerAddress> {
    const known = this.#known.get(this.#leaders.get(splitOf(of)) ?? -1)
    if (known !== undefined) return known
    await this.topic(of.topic)
    const found = this.#known.get(this.#leaders.get(splitOf(of)) ?? -1)
    if (found === undefined) throw answeredFailure(codes.noLeader, splitOf(of))!
    return found
  }

  /** Forgets who leads a partition. */
  forget(of: TopicPartition): void {
    this.#leaders.delete(splitOf(of))
  }

  broker(node: number): BrokerAddress | undefined {
    return this.#known.get(node)
  }

  /** Asks one broker. Rejects with a `KafkaFailure`. */
  async askAt<T>(place: Place, request: Request<T>, lane: Lane = 'questions', extraMs = 0): Promise<T> {
    return (await this.#connection(place, lane)).ask(request, extraMs)
  }

  /** A lane that nothing else uses. */
  newLane(): Lane {
    return `member ${this.#members++}`
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const opening of this.#connections.values()) {
      opening.then(
        (connection) => connection.close(),
        () => {},
      )
    }
    this.#connections.clear()
    await Promise.resolve()
  }

  async #connection({ host, port }: Place, lane: Lane): Promise<Connection> {
    if (this.#isClosed) throw failureOf(codes.transport, 'the cluster was closed')
    const name = `${host}:${port} ${lane}`
    const existing = this.#connections.get(name)
    const connection = await existing?.catch(() => undefined)
    if (connection?.isUsable === true) return connection
    // Another caller may have opened one meanwhile.
    const current = this.#connections.get(name)
    if (current !== undefined && current !== existing) return current
    connection?.close()
    const opening = Connection.open(host, port, this.#options, this.#world)
    this.#connections.set(name, opening)
    const opened = await opening
    if (this.#isClosed) opened.close()
    return opened
  }

  #places(): readonly Place[] {
    const all = [
      ...(this.#preferred === undefined ? [] : [this.#preferred]),
      ...this.#known.values(),
      ...this.#first,
    ]
    return [...new Map(all.map((place) => [`${place.host}:${place.port}`, place])).values()]
  }

  #learn({ brokers, topics }: Metadata): void {
    // A broker that starts may know none yet.
    if (brokers.length > 0) this.#known = new Map(brokers.map((broker) => [broker.node, broker]))
    for (const { name, partitions } of topics) {
      for (const { partition, leader } of partitions) {
        this.#leaders.set(splitOf({ topic: name, partition }), leader)
      }
    }
  }
}
