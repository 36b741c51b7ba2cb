import type { Msg, MsgHdrs } from '@nats-io/transport-node'

/** A message that the code under test has sent. */
export interface Published {
  readonly subject: string
  readonly data: unknown
  readonly reply?: string
  readonly headers?: MsgHdrs
}

type Callback = (error: Error | null, message: Msg) => void

/** A connection with one subscription, whose server answers what the test answers. */
export class FakeServer {
  readonly published: Published[] = []
  isSubscribed = false
  #callback: Callback = () => {}
  #closed: () => void = () => {}

  publish(subject: string, data: unknown, options: Omit<Published, 'subject' | 'data'>): void {
    this.published.push({ subject, data, ...options })
  }

  subscribe(_subject: string, { callback }: { readonly callback: Callback }): object {
    this.isSubscribed = true
    this.#callback = callback
    return {
      closed: new Promise<void>((resolve) => (this.#closed = resolve)),
      isClosed: () => !this.isSubscribed,
      unsubscribe: () => this.close(),
    }
  }

  send(message: Partial<Msg>): void {
    this.#callback(null, message as Msg)
  }

  close(): void {
    this.isSubscribed = false
    this.#closed()
  }
}
