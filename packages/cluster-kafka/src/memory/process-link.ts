import { answeredFailure, codes, KafkaFailure, pause, type World } from '@millrace/connector-kafka/port'
import type { Clock } from '@millrace/world'

const never = new Promise<never>(() => {})

/** What a process asks the cluster for: to begin as the only producer of an id, to write, and so on. */
export type RequestKind = 'begin' | 'write' | 'commit' | 'range' | 'group' | 'other'

/** A request of a process, in one moment of its way. */
export interface RequestMoment {
  readonly process: string
  readonly request: RequestKind
  /** It leaves the process, or the cluster has carried it out and the answer leaves. */
  readonly moment: 'sent' | 'done'
}

/** Sees each request. Returns how many milliseconds more the request, or its answer, is on its way. */
export type WatchRequest = (moment: RequestMoment) => number

/** The brokers, as all processes reach them. */
export interface Network {
  /** What is on its way arrives by this clock, also when the process that has sent it is frozen or dead. */
  readonly clock: Clock
  /** How long a request, or its answer, is on its way. */
  readonly latency: () => number
  /** Whether brokers answer at all. */
  readonly isUp: () => boolean
  readonly onRequest: WatchRequest
}

/** How one process reaches the cluster. */
export class ProcessLink {
  readonly process: string
  readonly #network: Network
  /** What waits for an answer, and what waits for the link. */
  readonly #cuts = new Set<(failure: KafkaFailure) => void>()
  readonly #watching = new Set<() => void>()
  #isCut = false
  #isDead = false

  constructor(process: string, network: Network) {
    this.process = process
    this.#network = network
  }

  get isUp(): boolean {
    return !this.#isCut && this.#network.isUp()
  }

  /** Ends all requests that are not answered; the next ones fail. */
  disconnect(): void {
    this.#isCut = true
    this.lost()
  }

  reconnect(): void {
    this.#isCut = false
    this.changed()
  }

  /** The process is dead: what it has sent still arrives, and nothing reaches it any more. */
  die(): void {
    this.#isDead = true
    this.#cuts.clear()
    this.#watching.clear()
  }

  /** All connections of the process are broken. */
  lost(): void {
    for (const cut of this.#cuts) cut(this.#failure())
    this.changed()
  }

  /** How long something is on its way to the process. */
  latency(): number {
    return this.#network.latency()
  }

  /** Carries out a request. Rejects with a `KafkaFailure` if the link is cut before the answer has come. */
  async ask<T>(
    kind: RequestKind,
    world: Pick<World, 'clock' | 'signal'>,
    request: () => T | Promise<T>,
  ): Promise<T> {
    if (this.#isDead) return never
    const passes = (moment: RequestMoment['moment']): number =>
      this.#network.onRequest({ process: this.process, request: kind, moment })
    await this.#travel(this.#network.clock, world.signal, passes('sent'))
    const carriedOut = async (): Promise<T> => {
      if (!this.isUp) throw this.#failure()
      return this.#unlessCut(Promise.resolve(request()))
    }
    // The process hears of a failure as it hears of an answer.
    const answer = await carriedOut().catch(async (error: Error) => {
      await this.#arrive(world)
      throw error
    })
    await this.#arrive(world, passes('done'))
    if (!this.isUp) throw this.#failure()
    return answer
  }

  /** Calls back after each change, until it is disposed. */
  watch(changed: () => void): Disposable {
    this.#watching.add(changed)
    return { [Symbol.dispose]: () => void this.#watching.delete(changed) }
  }

  async #travel(clock: Clock, signal: AbortSignal, moreMs = 0): Promise<void> {
    const ms = this.#network.latency() + moreMs
    if (ms > 0) await pause(clock, signal, ms)
    else await Promise.resolve()
    signal.throwIfAborted()
  }

  /** Resolves when an answer has come to the process: never, if that is dead. */
  async #arrive({ clock, signal }: Pick<World, 'clock' | 'signal'>, moreMs = 0): Promise<void> {
    await this.#travel(clock, signal, moreMs)
    if (this.#isDead) await never
  }

  #unlessCut<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#cuts.add(reject)
      answer.then(resolve, reject).finally(() => this.#cuts.delete(reject))
    })
  }

  /** Calls back those that watch. */
  changed(): void {
    for (const changed of this.#watching) changed()
  }

  #failure(): KafkaFailure {
    const message = `the process ${this.process} is cut off from the cluster`
    return new KafkaFailure(codes.transport, message, false)
  }
}

/** Throws the `KafkaFailure` of an error of the protocol; nothing for 0. */
export function throwIfError(error: number, about: string): void {
  const failure = answeredFailure(error, about)
  if (failure !== undefined) throw failure
}
