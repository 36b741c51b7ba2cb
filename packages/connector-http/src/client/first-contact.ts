import { describeError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { invalid, type ClientPlan } from './client-options.ts'
import { HttpClient } from './http-client.ts'
import type { OpenHttpDoor } from './http-door.ts'
import { printableUrl, redactionOf } from './secrets.ts'

/**
 * Tries once whether a server can be reached: a wrong address is found at the start. After a restart of the job, requests
 * wait for the server.
 */
export class FirstContact {
  readonly #openDoor: OpenHttpDoor
  readonly #plan: ClientPlan
  #wasMade = false

  constructor(openDoor: OpenHttpDoor, plan: ClientPlan) {
    this.#openDoor = openDoor
    this.#plan = plan
  }

  /** `what` is for messages: "sink out". Rejects with `OPTION_INVALID`. */
  async make(
    what: string,
    url: URL,
    { clock, signal }: Pick<ConnectorContext, 'clock' | 'signal'>,
  ): Promise<void> {
    if (this.#wasMade) return
    const door = this.#openDoor({ tls: this.#plan.tls, connectionsMax: 1 })
    try {
      await new HttpClient(door, this.#plan, clock).reach(url, signal)
      this.#wasMade = true
    } catch (error) {
      signal.throwIfAborted()
      const reason = redactionOf(this.#plan.redaction, url).redact(describeError(error))
      throw invalid(
        what,
        `no connection to ${printableUrl(url)}: ${reason}; check the address and that the server runs`,
      )
    } finally {
      door.close()
    }
  }
}
