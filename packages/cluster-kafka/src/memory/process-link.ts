import { answeredFailure, codes, KafkaFailure, pause, type World } from '@millrace/connector-kafka/port'
import type { Clock } from '@millrace/world'

/** How long a request, or its answer, is on its way. */
export type Latency = () => number

/** How one process reaches the cluster. */
export class ProcessLink {
  readonly process: string
  readonly #latency: Latency
  /** What waits for an answer, and what waits for the link. */
  readonly #cuts = new Set<(failure: KafkaFailure) => void>()
  readonly #watching = new Set<() => void>()
  #isUp = true

  constructor(process: string, latency: Latency) {
    this.process = process
    this.#latency = latency
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Ends all requests that are not answered; the next ones fail. */
  disconnect(): void {
    this.#isUp = false
    for (const cut of this.#cuts) cut(this.#failure())
    this.#changed()
  }

  reconnect(): void {
    this.#isUp = true
    this.#changed()
  }

  /** Carries out a request. Rejects with a `KafkaFailure` if the link is cut before the answer has come. */
  async ask<T>(world: Pick<World, 'clock' | 'signal'>, request: () => T | Promise<T>): Promise<T> {
    await this.#travel(world)
    if (!this.#isUp) throw this.#failure()
    const answer = await this.#unlessCut(Promise.resolve(request()))
    await this.#travel(world)
    if (!this.#isUp) throw this.#failure()
    return answer
  }

  /** Calls back after each change, until it is disposed. */
  watch(changed: () => void): Disposable {
    this.#watching.add(changed)
    return { [Symbol.dispose]: () => void this.#watching.delete(changed) }
  }

  async #travel({ clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
    const ms = this.#latency()
    if (ms > 0) await pause(clock, signal, ms)
    else await Promise.resolve()
    signal.throwIfAborted()
  }

  #unlessCut<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#cuts.add(reject)
      answer.then(resolve, reject).finally(() => this.#cuts.delete(reject))
    })
  }

  #failure(): KafkaFailure {
    const message = `the process ${this.process} is cut off from the cluster`
    return new KafkaFailure(codes.transport, message, false)
  }

  #changed(): void {
    for (const changed of this.#watching) changed()
  }
}

/** Throws the `KafkaFailure` of an error of the protocol; nothing for 0. */
export function throwIfError(error: number, about: string): void {
  const failure = answeredFailure(error, about)
  if (failure !== undefined) throw failure
}
