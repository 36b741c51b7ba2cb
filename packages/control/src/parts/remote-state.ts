import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ApiError } from '../contract/actions.ts'
import type { JobGraph } from '../contract/graph.ts'
import { pathOf, type RouteName } from '../contract/routes.ts'
import type { StateAnswer, StateList, StatePage } from '../contract/state.ts'
import { RequestError } from '../server/problems.ts'
import type { KeyRequest, PageRequest, StateSource } from '../state/state-source.ts'
import { notHere, partMoves } from './moving.ts'

/** Sends a request to another worker. Rejects if it does not answer in time. */
export type AskWorker = (url: string, headers: Readonly<Record<string, string>>) => Promise<Response>

/** A part of a job at another worker. */
export interface RemotePart {
  readonly ask: AskWorker
  /** The control API of the worker. */
  readonly address: string
  readonly part: string
  readonly graph: JobGraph
  /** What shows who has asked. */
  readonly credentials: Readonly<Record<string, string>>
  /** Whether the copy is wanted that the worker keeps of it. */
  readonly isCopy: boolean
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** The state of a part of a job that another worker has. */
export class RemoteState implements StateSource {
  readonly #of: RemotePart

  constructor(of: RemotePart) {
    this.#of = of
  }

  get graph(): JobGraph {
    return this.#of.graph
  }

  list(): Promise<StateList> {
    return this.#get('state', {}, {})
  }

  ofKey({ operator, key, table, read, form }: KeyRequest): Promise<StateAnswer> {
    const [text, keyType] = typeof key === 'string' ? [key, 'text'] : [JSON.stringify(key), 'json']
    return this.#get('stateOfKey', { operator, key: text }, { table, keyType, read, values: form })
  }

  page({ operator, table, prefix, range, read, form, cursor, limit }: PageRequest): Promise<StatePage> {
    const { from, to } = range ?? {}
    const keyType = typeof (from ?? to) === 'number' ? 'json' : 'text'
    const query = { table, prefix, from, to, keyType, read, values: form, cursor, limit }
    return this.#get('stateScan', { operator }, query)
  }

  /** Rejects with `PART_MOVES` where the worker cannot be reached or does not have the part. */
  async #get<T>(route: RouteName, parts: Readonly<Record<string, string>>, query: Query): Promise<T> {
    const { ask, address, part, credentials, isCopy } = this.#of
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries({ ...query, copy: isCopy || undefined })) {
      if (value !== undefined) search.set(name, String(value))
    }
    let response: Response
    let body: unknown
    try {
      response = await ask(
        `${address}${pathOf(route, { job: part, ...parts })}?${search.toString()}`,
        credentials,
      )
      body = await response.json()
    } catch {
      // It was killed, is cut off, or is not what the group takes it for any more.
      throw partMoves(part)
    }
    if (response.ok) return body as T
    throw this.#refusal(response.status, (body as Partial<ApiError>).error)
  }

  #refusal(status: number, error: ApiError['error'] | undefined): RequestError {
    const { address, part } = this.#of
    const { code = 'UNKNOWN', message = `the worker at ${address} answered ${status}` } = error ?? {}
    if (status === 503 || status === 409 || code === notHere) return partMoves(part)
    if (status !== 401 && status !== 403)
      return new RequestError(status as ContentfulStatusCode, code, message)
    return new RequestError(
      502,
      code,
      `the worker at ${address} refuses the request: ${message}. Start all workers with the same MILLRACE_CONTROL_TOKEN`,
    )
  }
}
