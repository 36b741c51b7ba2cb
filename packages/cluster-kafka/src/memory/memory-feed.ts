import {
  answeredFailure,
  codes,
  Outage,
  splitOf,
  type Feed,
  type FeedListener,
  type TopicPartition,
  type World,
} from '@millrace/connector-kafka/port'
import { onAbort } from '@millrace/world'
import type { ProcessLink } from './process-link.ts'
import type { TopicList } from './topic-list.ts'

/** How records come to those that read. */
export interface Delivery {
  /** So many records are delivered at a time, at most. */
  readonly recordsMax: number
  /** How many milliseconds more than a request it takes from a partition, for one delivery. */
  readonly delayMs: (of: TopicPartition) => number
}

/** So long a partition may be unknown before it is taken for deleted. */
const unknownMs = 10_000

export interface FeedParts {
  readonly of: TopicPartition
  readonly from: number
  readonly listener: FeedListener
  readonly topics: TopicList
  readonly link: ProcessLink
  readonly world: World
  readonly address: string
  readonly delivery: Delivery
}

/** The delivery of one partition. It stops while the link is cut. */
export class MemoryFeed implements Feed {
  end: number | undefined
  readonly #parts: FeedParts
  readonly #outage: Outage
  readonly #watching: Disposable[] = []
  #next: number
  #saidCaughtUpAt: number | undefined
  #isPaused = false
  #isClosed = false
  #isDue = false

  constructor(parts: FeedParts) {
    const { of, from, topics, link, world, address } = parts
    this.#parts = parts
    this.#next = from
    this.#outage = new Outage(address, world)
    this.#watching.push(link.watch(() => this.#linkChanged()))
    if (topics.find(of) === undefined) {
      const timer = world.clock.schedule(unknownMs, () => this.#failIfUnknown())
      this.#watching.push(
        timer,
        topics.watch(() => this.#found()),
      )
    } else this.#found()
    if (!link.isUp) this.#linkChanged()
    this.#watching.push(onAbort(world.signal, () => this.close()))
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#soon()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const watching of this.#watching.splice(0)) watching[Symbol.dispose]()
  }

  #found(): void {
    const log = this.#parts.topics.find(this.#parts.of)
    if (log === undefined) return
    this.#watching.push(log.watch(() => this.#soon()))
    this.#soon()
  }

  #failIfUnknown(): void {
    const { of, topics } = this.#parts
    if (topics.find(of) === undefined) this.#fail(codes.unknownPartition)
  }

  #linkChanged(): void {
    const { link } = this.#parts
    if (link.isUp) this.#outage.ended()
    else this.#outage.began(new Error(`the process ${link.process} is cut off from the cluster`))
    this.#soon()
  }

  #soon(): void {
    if (this.#isDue || this.#isClosed) return
    this.#isDue = true
    const deliver = (): void => {
      this.#isDue = false
      this.#deliver()
    }
    const { link, world, of, delivery } = this.#parts
    const ms = link.latency() + delivery.delayMs(of)
    if (ms > 0) world.clock.schedule(ms, deliver)
    else queueMicrotask(deliver)
  }

  #deliver(): void {
    const { of, topics, link, listener, delivery } = this.#parts
    const log = topics.find(of)
    if (log === undefined || this.#isClosed || this.#isPaused || !link.isUp) return
    this.end = log.lastStable
    if (this.#next < log.first || this.#next > log.next) {
      this.#fail(codes.offsetOutOfRange)
      return
    }
    if (this.#next < this.end) {
      const { records, next } = log.read(this.#next, delivery.recordsMax)
      this.#next = next
      listener.records(records, next)
      this.#soon()
      return
    }
    if (this.#saidCaughtUpAt === this.#next) return
    this.#saidCaughtUpAt = this.#next
    listener.caughtUp(this.#next)
  }

  #fail(code: number): void {
    if (this.#isClosed) return
    this.close()
    this.#parts.listener.failed(answeredFailure(code, splitOf(this.#parts.of)))
  }
}
