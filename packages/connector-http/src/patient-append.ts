import { describeError, isMillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { bytesIn, type AcceptedRequest } from './inbox-entry.ts'
import type { Inbox } from './inbox.ts'

/**
 * Appends requests that were already answered. While the disk is full it keeps them in memory and retries,
 * because they count as accepted.
 */
export class PatientAppend {
  readonly #inbox: Inbox
  readonly #context: ConnectorContext
  readonly #retryMs: number
  readonly #underWay = new Set<Promise<void>>()
  readonly #wakers = new Set<() => void>()
  #isStopping = false
  /** Size in bytes of the records that wait for space on the disk. */
  waitingBytes = 0

  constructor(inbox: Inbox, context: ConnectorContext, retryMs: number) {
    this.#inbox = inbox
    this.#context = context
    this.#retryMs = retryMs
  }

  /** Whether requests wait for space on the disk. */
  get isWaiting(): boolean {
    return this.#wakers.size > 0
  }

  append(request: AcceptedRequest): void {
    const done = this.#insist(request).finally(() => this.#underWay.delete(done))
    this.#underWay.add(done)
  }

  /** Retries all waiting requests once more, and resolves when each is durable or lost. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const wake of this.#wakers) wake()
    await Promise.all(this.#underWay)
  }

  async #insist(request: AcceptedRequest): Promise<void> {
    const bytes = bytesIn(request)
    for (;;) {
      const isLastTry = this.#isStopping
      try {
        await this.#inbox.append(request)
        return
      } catch (error) {
        if (isLastTry || !isMillraceError(error, 'FS_FULL')) {
          this.#context.warn(
            `${request.records.length} records that were answered as received are lost: ${describeError(error)}`,
          )
          return
        }
        this.waitingBytes += bytes
        await this.#pause()
        this.waitingBytes -= bytes
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer[Symbol.dispose]()
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = this.#context.clock.schedule(this.#retryMs, wake)
      this.#wakers.add(wake)
    })
  }
}
