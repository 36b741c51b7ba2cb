/** Answers other than success that the server sends on purpose. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 421 | 422 | 429 | 503 | 507

/** The details of a refusal besides its message. */
export interface RefusalDetails {
  /** Additional header fields of the answer. */
  readonly headers?: Readonly<Record<string, string>>
  /** The invalid line of the body, from 1. */
  readonly line?: number | undefined
}

/** The error of a rejected request, for the client. Nothing of the request is stored. */
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
