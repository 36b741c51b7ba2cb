import {
  beginsWith,
  type Batch,
  type ConnectorContext,
  type RejectRecord,
  type Sink,
  type SinkWriter,
} from '@millrace/core/connector'
import { FirstContact } from '../client/first-contact.ts'
import { HttpClient } from '../client/http-client.ts'
import type { OpenHttpDoor } from '../client/http-door.ts'
import { allowManyListeners, openNodeDoor } from '../client/node-http-door.ts'
import { Outage } from '../client/outage.ts'
import { printableUrl } from '../client/secrets.ts'
import { Delivery } from './delivery.ts'
import { lanesOf, requestsOf, type OutgoingRecord } from './outgoing-request.ts'
import { RecordIds } from './record-ids.ts'
import { sendPlanOf, type SendOptions, type SendPlan } from './send-options.ts'

/**
 * Sends records to another program as HTTP requests: a webhook. At least once: after a crash of the job, records since the
 * last checkpoint are sent again, each with the same `Idempotency-Key`, so a receiver that honours it counts each once.
 *
 * A request that fails, or is answered with 408, 425, 429 or 5xx, is sent again, not before its `Retry-After` is over; the job
 * waits meanwhile. Records that are refused with another status follow the error policy of the sink. Redirects are followed
 * within the same origin only. Messages name the origin of the url, never its path, query or credentials.
 *
 * Throws `OPTION_INVALID`. The job fails at its start if the server cannot be reached.
 *
 * @example
 * alerts.to('pager', http.send({ url: 'https://pager.example/hook', headers: { authorization: `Bearer ${token}` } }))
 */
export function send<T>(options: SendOptions<T>): Sink<T, never> {
  const sink = new SendSink(sendPlanOf(options), openNodeDoor)
  return options.format === undefined ? sink : beginsWith(sink, options.format)
}

/** Sends the records of a sink through a door. */
export class SendSink<T> implements Sink<T, never> {
  readonly kind = 'http-send'
  readonly guarantee = 'at-least-once'
  readonly reconnects = true
  readonly #plan: SendPlan<T>
  readonly #openDoor: OpenHttpDoor
  readonly #contact: FirstContact

  constructor(plan: SendPlan<T>, openDoor: OpenHttpDoor) {
    this.#plan = plan
    this.#openDoor = openDoor
    this.#contact = new FirstContact(openDoor, plan)
  }

  async check(_pending: readonly never[], context: ConnectorContext): Promise<void> {
    const { url } = this.#plan
    if (url !== undefined) await this.#contact.make(`sink ${context.name}`, url, context)
  }

  open(
    subtask: number,
    _pending: readonly never[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, never>> {
    return Promise.resolve(new SendWriter(this.#plan, this.#openDoor, subtask, context))
  }
}

class SendWriter<T> implements SinkWriter<T, never> {
  readonly #plan: SendPlan<T>
  readonly #ids: RecordIds<T>
  readonly #delivery: Delivery<T>
  readonly #signal: AbortSignal
  readonly #closeDoor: () => void
  #bytesWritten = 0

  constructor(plan: SendPlan<T>, openDoor: OpenHttpDoor, subtask: number, context: ConnectorContext) {
    const { name, owner, random, clock, signal } = context
    const what = `sink ${name}`
    const door = openDoor({ tls: plan.tls, connectionsMax: plan.lanes })
    const server = plan.url === undefined ? 'the receiver' : printableUrl(plan.url)
    this.#plan = plan
    this.#signal = signal
    this.#closeDoor = () => door.close()
    this.#ids = new RecordIds({
      sink: [owner.job, name],
      life: `${owner.epoch}-${random.int(2 ** 48).toString(36)}-${subtask}`,
      digest: (text) => door.digest(text),
      idempotencyKey: plan.idempotencyKey,
    })
    this.#delivery = new Delivery({
      what,
      plan,
      client: new HttpClient(door, plan, clock),
      outage: new Outage(server, context, plan.backoff),
      ids: this.#ids,
      clock,
    })
  }

  /** The bodies of records, each once, however often they are sent. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  async write(batch: Batch<T>, reject: RejectRecord): Promise<void> {
    const stop = new AbortController()
    allowManyListeners(stop.signal)
    const onAbort = (): void => stop.abort(this.#signal.reason)
    this.#signal.addEventListener('abort', onAbort, { once: true })
    if (this.#signal.aborted) onAbort()
    const run = async (lane: readonly OutgoingRecord[]): Promise<void> => {
      try {
        for (const request of requestsOf(this.#plan, lane)) {
          await this.#delivery.deliver(request, stop.signal, reject)
        }
      } catch (error) {
        // The others end too: no request is in progress when this returns.
        stop.abort(error)
        throw error
      }
    }
    try {
      const lanes = lanesOf(this.#plan, this.#ids, batch, reject)
      for (const lane of lanes) for (const { body } of lane) this.#bytesWritten += body.length
      const ended = await Promise.allSettled(lanes.map(run))
      for (const lane of ended) if (lane.status === 'rejected') throw stop.signal.reason as Error
    } finally {
      this.#signal.removeEventListener('abort', onAbort)
    }
  }

  async prepare(): Promise<undefined> {}

  close(): Promise<void> {
    this.#closeDoor()
    return Promise.resolve()
  }
}
