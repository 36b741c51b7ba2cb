import type { AcceptedRequest, RememberedRequest } from './inbox-entry.ts'

/**
 * The latest accepted requests with a key. With it, a client may repeat a request without its records
 * counting twice.
 */
export class RememberedRequests {
  readonly #max: number
  /** Oldest first. */
  readonly #byKey = new Map<string, RememberedRequest>()

  constructor(max: number, remembered: readonly RememberedRequest[]) {
    this.#max = max
    for (const each of remembered) this.#remember(each)
  }

  get(key: string): RememberedRequest | undefined {
    return this.#byKey.get(key)
  }

  add({ key, fingerprint, records }: AcceptedRequest): void {
    if (key !== '') this.#remember({ key, fingerprint, accepted: records.length })
  }

  /** Oldest first. */
  list(): RememberedRequest[] {
    return [...this.#byKey.values()]
  }

  #remember(request: RememberedRequest): void {
    this.#byKey.set(request.key, request)
    if (this.#byKey.size <= this.#max) return
    const [oldest] = this.#byKey.keys()
    if (oldest !== undefined) this.#byKey.delete(oldest)
  }
}
