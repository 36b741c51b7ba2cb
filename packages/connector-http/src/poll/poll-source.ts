import type { Json } from '@millrace/core'
import type { ConnectorContext, Discovery, Source, SplitReader } from '@millrace/core/connector'
import { FirstContact } from '../client/first-contact.ts'
import { HttpClient } from '../client/http-client.ts'
import type { OpenHttpDoor } from '../client/http-door.ts'
import { openNodeDoor } from '../client/node-http-door.ts'
import { Outage } from '../client/outage.ts'
import { printableUrl } from '../client/secrets.ts'
import { PageFetcher } from './page-fetcher.ts'
import { pollPlanOf, type PollOptions, type PollPlan } from './poll-options.ts'
import { pollStart, type PollPosition } from './poll-position.ts'
import { PollReader } from './poll-reader.ts'

const split = 'pages'
const backoff = { firstPauseMs: 100, longestPauseMs: 30_000 }

/**
 * Asks a server for records again and again.
 *
 * With `cursor` the server has pages, and the cursor is the position in the checkpoint: results are exactly once if a page
 * always begins with the same records. Without it, all records of an answer are handed out whenever it has changed, which
 * the server says with `ETag` or `Last-Modified`, or the body shows.
 *
 * While the server does not work the source waits, and honours `Retry-After`. What cannot be decoded follows the error policy
 * of the source. Redirects are followed; another origin gets none of the `headers`. A bounded job ends where there are no
 * more pages.
 *
 * Throws `OPTION_INVALID`. The job fails with `SOURCE_FAILED` if the server refuses the request.
 *
 * @example
 * p.from('orders', http.poll({
 *   url: (cursor) => `https://shop.example/orders?after=${cursor ?? 0}`,
 *   records: ({ body }) => (body as { orders: Order[] }).orders,
 *   cursor: ({ body }) => (body as { orders: Order[] }).orders.at(-1)?.id,
 *   schema: order,
 * }))
 */
export function poll<T, Cursor extends Json = Json>(
  options: PollOptions<T, Cursor>,
): Source<T, PollPosition> {
  return new PollSource(pollPlanOf(options), openNodeDoor)
}

/** Reads what a server has through a door. */
export class PollSource<T> implements Source<T, PollPosition> {
  readonly kind = 'http-poll'
  readonly durability = 'replayable'
  readonly #plan: PollPlan<T>
  readonly #openDoor: OpenHttpDoor
  readonly #contact: FirstContact

  constructor(plan: PollPlan<T>, openDoor: OpenHttpDoor) {
    this.#plan = plan
    this.#openDoor = openDoor
    this.#contact = new FirstContact(openDoor, plan)
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [split], isComplete: true })
  }

  async open(
    _split: string,
    from: PollPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, PollPosition>> {
    const what = `source ${context.name}`
    const plan = this.#plan
    const start = from ?? pollStart
    const url = plan.urlOf(start.cursor ?? undefined)
    await this.#contact.make(what, url, context)
    const door = this.#openDoor({ tls: plan.tls, connectionsMax: 1 })
    const fetcher = new PageFetcher({
      what,
      plan,
      client: new HttpClient(door, plan, context.clock),
      outage: new Outage(printableUrl(url), context, backoff),
      digest: (bytes) => door.digest(bytes).slice(0, 32),
      clock: context.clock,
    })
    return new PollReader({ plan, fetcher, split, context, start, onClose: () => door.close() })
  }
}
