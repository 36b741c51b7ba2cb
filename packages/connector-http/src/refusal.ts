/** Answers other than success that the server gives on purpose. */
export type RefusalStatus = 400 | 401 | 404 | 405 | 413 | 415 | 421 | 422 | 429 | 503 | 507

/** What a refusal may say besides its message. */
export interface RefusalDetails {
  /** Further header fields of the answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** The line of the body that is to blame, from 1. */
  readonly line?: number | undefined
}

/** Why a request is not accepted, for the client. Nothing of such a request is kept. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: RefusalStatus
  readonly headers: Readonly<Record<string, string>>
  readonly line: number | undefined

  constructor(status: RefusalStatus, message: string, details: RefusalDetails = {}) {
    super(message)
    this.status = status
    this.headers = details.headers ?? {}
    this.line = details.line
  }
}
