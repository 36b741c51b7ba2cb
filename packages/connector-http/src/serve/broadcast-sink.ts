import type { Batch, ConnectorContext, RejectRecord, Sink, SinkWriter } from '@millrace/core/connector'
import type { RunningServer, ServerAddress } from '../server.ts'
import { ServerAddressBook } from './address-book.ts'
import { every } from './every.ts'
import { Hub, type HubMessage, type HubPlan } from './hub.ts'

/** A sink with a server, to which clients connect. */
export interface BroadcastSink<T> extends Sink<T, never> {
  /** Resolves to the address where the server listens, once it does. Rejects if it cannot. */
  address(): Promise<ServerAddress>
}

/** What is broadcast, and how clients connect. */
export interface BroadcastParts<T, Server extends RunningServer> {
  readonly kind: string
  readonly plan: HubPlan & { readonly heartbeatMs: number }
  /** Makes a message of a record. `number` is different for each, in this run. */
  readonly messageOf: (value: T, number: string) => HubMessage
  readonly serve: (hub: Hub, context: ConnectorContext) => Promise<Server>
  /** Sends a sign of life, or asks for one. */
  readonly beat: (hub: Hub, server: Server) => void
}

/** A server that is shared by the writers of all subtasks. */
interface Broadcast {
  readonly hub: Hub
  stop(): Promise<void>
}

/** How long the end of a job waits for clients. */
const closeTimeoutMs = 5_000

/** Sends records to clients that connect to a server of its own. */
export class ServerSink<T, Server extends RunningServer> implements BroadcastSink<T> {
  readonly kind: string
  readonly guarantee = 'at-most-once'
  readonly #parts: BroadcastParts<T, Server>
  readonly #addresses = new ServerAddressBook()
  #broadcast: Promise<Broadcast> | undefined
  #writers = 0

  constructor(parts: BroadcastParts<T, Server>) {
    this.kind = parts.kind
    this.#parts = parts
  }

  address(): Promise<ServerAddress> {
    return this.#addresses.address()
  }

  async open(
    subtask: number,
    _pending: readonly never[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, never>> {
    this.#writers++
    const opening = (this.#broadcast ??= this.#start(context))
    let broadcast: Broadcast
    try {
      broadcast = await opening
    } catch (error) {
      await this.#leave()
      throw error
    }
    const { owner, random } = context
    const run = `${owner.epoch}-${random.int(2 ** 32).toString(36)}-${subtask}`
    let number = 0
    return {
      write: (batch, reject) => this.#write(broadcast.hub, batch, reject, () => `${run}-${number++}`),
      prepare: async () => undefined,
      close: () => this.#leave(),
    }
  }

  async #write(hub: Hub, batch: Batch<T>, reject: RejectRecord, next: () => string): Promise<void> {
    for (let index = 0; index < batch.length; index++) {
      let message: HubMessage
      try {
        message = this.#parts.messageOf(batch.values[index]!, next())
      } catch (error) {
        reject(index, error)
        continue
      }
      const waiting = hub.publish(message)
      if (waiting !== undefined) await waiting
    }
  }

  async #start(context: ConnectorContext): Promise<Broadcast> {
    const { plan, serve, beat } = this.#parts
    const hub = new Hub(plan, context)
    const server = await this.#addresses.opened(serve(hub, context))
    const beating = every(context.clock, plan.heartbeatMs, () => beat(hub, server))
    return {
      hub,
      stop: async () => {
        beating[Symbol.dispose]()
        this.#addresses.closed()
        hub.close()
        const deadline = context.clock.schedule(closeTimeoutMs, () => server.cut())
        await server.stop()
        deadline[Symbol.dispose]()
        if (hub.dropped > 0)
          context.warn(
            `sink ${context.name}: ${hub.dropped} clients were disconnected because they were slow`,
          )
      },
    }
  }

  async #leave(): Promise<void> {
    if (--this.#writers > 0) return
    const broadcast = this.#broadcast
    this.#broadcast = undefined
    const running = await broadcast?.catch(() => undefined)
    await running?.stop()
  }
}
