import type { ApiError } from '../contract/actions.ts'
import type { JobList } from '../contract/job.ts'
import { pathOf, routes } from '../contract/routes.ts'

/** How a job is reached. */
export interface ClientOptions {
  /** The pipeline. Default: the only one that runs there, or that which several workers run together. */
  readonly job?: string
  /** A token of the control API. */
  readonly token?: string
  /**
   * For how long a request is repeated while the state that it is about moves to another worker, in milliseconds. Default 20,000; 0: it is
   * not, and rejects with the status 503.
   */
  readonly patienceMs?: number
  /** How requests are made. Default: the `fetch` of the platform. */
  readonly fetch?: typeof globalThis.fetch
}

/** The API has refused a request. */
export class StateRequestError extends Error {
  override readonly name = 'StateRequestError'
  /** The status of HTTP: 409 while the job starts or restarts, 404 for an operator without state, 503 while its state moves. */
  readonly status: number
  /** A code of docs/operating/errors.md, or one of HTTP. */
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** The pause before a request or a lost watch begins again, in milliseconds. */
export const againMs = 1_000
/** A worker that was killed is noticed after ten seconds, by default. */
const patienceMs = 20_000
/** The status of an answer about state that moves. */
export const unavailable = 503

type Query = Readonly<Record<string, string | number | undefined>>

/** Requests to one job. */
export class Connection {
  readonly #url: string
  readonly #options: ClientOptions
  #job: Promise<string> | undefined

  constructor(url: string, options: ClientOptions) {
    this.#url = url
    this.#options = options
  }

  async get<T>(
    route: 'stateOfKey' | 'stateScan',
    parts: Readonly<Record<string, string>>,
    query: Query,
  ): Promise<T> {
    const path = pathOf(route, { ...parts, job: await this.job() })
    let left = this.#options.patienceMs ?? patienceMs
    for (;;) {
      try {
        return (await (await this.send(path, query)).json()) as T
      } catch (error) {
        if (!(error instanceof StateRequestError) || error.status !== unavailable || left <= 0) throw error
      }
      await pause(Math.min(left, againMs), undefined)
      left -= againMs
    }
  }

  async send(path: string, query: Query, more: RequestInit = {}): Promise<Response> {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) search.set(name, String(value))
    }
    // oxlint-disable-next-line no-restricted-globals -- a client of HTTP; tests pass another one
    const { token, fetch: send = globalThis.fetch } = this.#options
    const response = await send(`${this.#url}${path}?${search.toString()}`, {
      ...more,
      headers: {
        ...(more.headers as Readonly<Record<string, string>> | undefined),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    })
    if (response.ok) return response
    const body = (await response.json().catch(() => undefined)) as ApiError | undefined
    const { code = 'UNKNOWN', message = `the API answered ${response.status}` } = body?.error ?? {}
    throw new StateRequestError(response.status, code, message)
  }

  /** The pipeline; asked for once, unless that fails. */
  job(): Promise<string> {
    const { job } = this.#options
    if (job !== undefined) return Promise.resolve(job)
    this.#job ??= this.#onlyJob().catch((error: unknown) => {
      this.#job = undefined
      throw error
    })
    return this.#job
  }

  async #onlyJob(): Promise<string> {
    const response = await this.send(routes.jobs, {})
    const { jobs, whole } = (await response.json()) as JobList
    // A server of an earlier version does not say it.
    if (typeof whole === 'string') return whole
    const [first] = jobs
    if (first !== undefined && jobs.length === 1) return first.job
    const names = jobs.map(({ job }) => job).join(', ')
    throw new StateRequestError(
      400,
      'OPTION_INVALID',
      `${this.#url} has the jobs ${names}; choose one with job`,
    )
  }
}

/** A key as requests have it: text, or JSON. */
export function keyText(key: unknown): string {
  return typeof key === 'string' ? key : JSON.stringify(key)
}

/** Resolves after `ms`, or when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    // oxlint-disable-next-line no-restricted-globals -- a client has no platform; it waits before it connects again
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done, { once: true })
  })
}
