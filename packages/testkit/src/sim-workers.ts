import type { Graph } from '@millrace/core/graph'
import {
  serveWorker,
  type ByteLink,
  type WorkerHost,
  type WorkerPort,
  type WorkerThread,
} from '@millrace/core/job'
import type { Platform } from '@millrace/core/disk'
import type { StateStore } from '@millrace/core/store'

/** What the workers of a simulated job run. */
export interface SimWorkersOptions {
  readonly graph: Graph
  readonly platform: Platform
  readonly store: StateStore
  /** How many bytes wait in a link at most before its sender has to keep them. Default 65,536. */
  readonly linkBytes?: number
}

/**
 * Workers that share one thread, for simulations: the platform's seed chooses when what one has sent arrives at
 * another. A message is cloned, as between threads, so nothing but plain data crosses.
 *
 * @example
 * const workers = simWorkers({ graph, platform, store })
 * startJob({ graph, platform, store, directory: 'data', parallelism: 3, workers })
 */
export function simWorkers(options: SimWorkersOptions): WorkerHost {
  return { start: (count) => Promise.resolve(startWorkers(count, options)) }
}

function startWorkers(count: number, options: SimWorkersOptions): readonly WorkerThread[] {
  const { platform, linkBytes = 65_536 } = options
  const links = new Map<string, ByteLink>()
  for (let from = 0; from <= count; from++) {
    for (let to = 0; to < from; to++) {
      const [one, other] = simLinks(platform, linkBytes)
      links.set(`${from} ${to}`, one)
      links.set(`${to} ${from}`, other)
    }
  }
  return Array.from({ length: count }, (_, index): WorkerThread => {
    const number = index + 1
    const [near, far] = simPorts(platform)
    let hasEnded = false
    let tellEnd: (reason: Error) => void = () => {}
    serveWorker({
      ...options,
      port: far,
      linkTo: (worker) => links.get(`${number} ${worker}`)!,
    })
    return {
      port: near,
      link: links.get(`0 ${number}`)!,
      onEnd: (ended) => {
        tellEnd = ended
      },
      kill: () => {
        if (!hasEnded) tellEnd(new Error('it was ended'))
        hasEnded = true
        return Promise.resolve()
      },
    }
  })
}

/** Two ports: what is posted to one arrives at the other, in order and in a later turn. */
function simPorts(platform: Platform): readonly [WorkerPort, WorkerPort] {
  const [one, other] = [new SimPort(platform), new SimPort(platform)]
  one.peer = other
  other.peer = one
  return [one, other]
}

class SimPort implements WorkerPort {
  peer!: SimPort
  readonly #platform: Platform
  readonly #arrived: unknown[] = []
  #receive: ((message: unknown) => void) | undefined
  #isDelivering = false

  constructor(platform: Platform) {
    this.#platform = platform
  }

  post(message: unknown): void {
    this.peer.#arrived.push(structuredClone(message))
    void this.peer.#deliver()
  }

  listen(receive: (message: unknown) => void): void {
    this.#receive = receive
    void this.#deliver()
  }

  async #deliver(): Promise<void> {
    if (this.#isDelivering) return
    this.#isDelivering = true
    while (this.#receive !== undefined && this.#arrived.length > 0) {
      await this.#platform.scheduler.turn()
      this.#receive(this.#arrived.shift())
    }
    this.#isDelivering = false
  }
}

/** The two ends of a link. */
export function simLinks(
  platform: Pick<Platform, 'random' | 'scheduler'>,
  bytes: number,
): readonly [ByteLink, ByteLink] {
  const [one, other] = [new SimLink(platform, bytes), new SimLink(platform, bytes)]
  one.peer = other
  other.peer = one
  return [one, other]
}

class SimLink implements ByteLink {
  peer!: SimLink
  readonly #platform: Pick<Platform, 'random' | 'scheduler'>
  readonly #bytesMax: number
  /** What the other end has sent and is in the memory that they share. */
  readonly #arriving: Uint8Array[] = []
  #arrivingBytes = 0
  /** What this end has sent and is not there yet. */
  readonly #kept: Uint8Array[] = []
  #wake: (() => void) | undefined
  #isRinging = false

  constructor(platform: Pick<Platform, 'random' | 'scheduler'>, bytesMax: number) {
    this.#platform = platform
    this.#bytesMax = bytesMax
  }

  send(message: Uint8Array): void {
    this.#kept.push(message.slice())
    this.#push()
  }

  get hasRoom(): boolean {
    return this.#kept.length === 0
  }

  pump(receive: (message: Uint8Array) => void): void {
    this.#push()
    // Another thread sees what was written with a delay of its own.
    for (let left = this.#platform.random.int(this.#arriving.length + 1); left > 0; left--)
      this.#take(receive)
  }

  listen(wake: () => void): void {
    this.#wake = wake
    void this.#ring()
  }

  #take(receive: (message: Uint8Array) => void): void {
    const message = this.#arriving.shift()!
    this.#arrivingBytes -= message.length
    receive(message)
    void this.peer.#ring()
  }

  #push(): void {
    const { peer } = this
    while (this.#kept.length > 0 && peer.#arrivingBytes < this.#bytesMax) {
      const message = this.#kept.shift()!
      peer.#arriving.push(message)
      peer.#arrivingBytes += message.length
      void peer.#ring()
    }
  }

  /** Wakes this end until it has seen everything. */
  async #ring(): Promise<void> {
    if (this.#isRinging || this.#wake === undefined) return
    this.#isRinging = true
    do {
      await this.#platform.scheduler.turn()
      this.#wake()
    } while (
      this.#arriving.length > 0 ||
      (this.#kept.length > 0 && this.peer.#arrivingBytes < this.#bytesMax)
    )
    this.#isRinging = false
  }
}
