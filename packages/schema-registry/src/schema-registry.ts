import { describeError, MillraceError } from '@millrace/core'
import type { FormatContext } from '@millrace/core/connector'
import { askOverHttp, type Ask } from './door.ts'
import { registryPlanOf, type RegistryOptions, type RegistryPlan } from './registry-options.ts'

/** A schema as a registry keeps it. */
export interface RegisteredSchema {
  readonly schema: string
  readonly type: 'AVRO' | 'PROTOBUF' | 'JSON'
  readonly references: readonly SchemaReference[]
}

/** Another schema that a schema needs. */
export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** What a format needs of a schema registry. */
export interface SchemaRegistry {
  /** The schema with an id that was loaded. Throws `DECODE_FAILED` if the registry does not have it. */
  schema(id: number): RegisteredSchema
  /** Loads the schema with an id; undefined if that was done. Waits while the registry does not work. */
  load(id: number, context: FormatContext): Promise<void> | undefined
  /**
   * Registers a schema, or finds it, and resolves to its id. Rejects with `OPTION_INVALID` if the registry cannot be reached or
   * refuses the schema, for example because it is not compatible with the one before.
   */
  register(subject: string, given: RegisteredSchema, context: FormatContext): Promise<number>
}

/** Pauses between attempts while the registry does not work. */
const firstPauseMs = 100
const longestPauseMs = 10_000

/**
 * Makes a client of a schema registry with Confluent's interface: Confluent's own, Redpanda's, Karapace, Apicurio.
 *
 * A schema is fetched once, when its id is met first. While the registry does not work sources wait for it; a sink needs it
 * only at its start. Throws `OPTION_INVALID`.
 *
 * @example
 * const registry = schemaRegistry({ url: 'http://localhost:8081' })
 */
export function schemaRegistry(options: RegistryOptions): SchemaRegistry {
  return new HttpSchemaRegistry(registryPlanOf(options), askOverHttp)
}

/** Fetches and registers schemas over HTTP, and keeps those it has met. */
export class HttpSchemaRegistry implements SchemaRegistry {
  readonly #plan: RegistryPlan
  readonly #ask: Ask
  /** By id; an error for an id that the registry does not have. */
  readonly #schemas = new Map<number, RegisteredSchema | MillraceError>()
  readonly #loading = new Map<number, Promise<void>>()

  constructor(plan: RegistryPlan, ask: Ask) {
    this.#plan = plan
    this.#ask = ask
  }

  schema(id: number): RegisteredSchema {
    const known = this.#schemas.get(id)
    if (known === undefined)
      throw new MillraceError('INTERNAL', `schema ${id} was not loaded; please report this`)
    if (known instanceof MillraceError) throw known
    return known
  }

  load(id: number, context: FormatContext): Promise<void> | undefined {
    if (this.#schemas.has(id)) return undefined
    const loading = this.#loading.get(id) ?? this.#load(id, context).finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    return loading
  }

  async register(subject: string, given: RegisteredSchema, context: FormatContext): Promise<number> {
    const { schema, type, references } = given
    const body = JSON.stringify({
      schema,
      ...(type !== 'AVRO' && { schemaType: type }),
      ...(references.length > 0 && { references }),
    })
    const answer = await this.#once('POST', `subjects/${encodeURIComponent(subject)}/versions`, context, body)
    const { id } = answer as { readonly id?: unknown }
    if (typeof id === 'number') return id
    throw this.#invalid(context, `it has given no id for the schema of ${subject}`)
  }

  async #load(id: number, context: FormatContext): Promise<void> {
    const { clock, signal } = context
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted()
      try {
        const found = await this.#answer('GET', `schemas/ids/${id}`, context)
        this.#schemas.set(id, this.#known(id, found))
        context.up()
        return
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof MillraceError) throw error
        if (failures > 0) context.down(`the schema registry on ${this.#plan.server}: ${this.#reason(error)}`)
      }
      await pause(clock, Math.min(longestPauseMs, firstPauseMs * 2 ** failures), signal)
    }
  }

  #known(id: number, answer: Answer): RegisteredSchema | MillraceError {
    if ('problem' in answer) {
      if (answer.status !== 404)
        throw new MillraceError('SOURCE_FAILED', this.#refusal(answer), { isFinal: true })
      return new MillraceError(
        'DECODE_FAILED',
        `the schema registry on ${this.#plan.server} has no schema ${id}; was the record written with another registry?`,
      )
    }
    const { schema, schemaType = 'AVRO', references = [] } = answer.value as Partial<Record<string, unknown>>
    if (typeof schema !== 'string') throw new Error('the answer has no schema')
    return {
      schema,
      type: schemaType as RegisteredSchema['type'],
      references: references as readonly SchemaReference[],
    }
  }

  async #once(method: 'GET' | 'POST', path: string, context: FormatContext, body?: string): Promise<unknown> {
    let answer: Answer
    try {
      answer = await this.#answer(method, path, context, body)
    } catch (error) {
      context.signal.throwIfAborted()
      throw this.#invalid(
        context,
        `no answer from it: ${this.#reason(error)}; check the address and that it runs`,
      )
    }
    if ('problem' in answer) throw this.#invalid(context, this.#refusal(answer))
    return answer.value
  }

  #refusal({ status, problem }: Extract<Answer, { problem: string }>): string {
    const help = status === 401 || status === 403 ? '; give user and password in the url, or headers' : ''
    const said = this.#plan.redaction.redact(problem)
    return `it has answered ${status}${said === '' ? '' : `: ${said}`}${help}`
  }

  #reason(error: unknown): string {
    return this.#plan.redaction.redact(describeError(error))
  }

  #invalid({ what }: FormatContext, problem: string): MillraceError {
    const message = `${what}: the schema registry on ${this.#plan.server} cannot be used: ${problem}`
    return new MillraceError('OPTION_INVALID', message, { isFinal: true })
  }

  /** Asks one server after the other. Rejects if none of them works. */
  async #answer(
    method: 'GET' | 'POST',
    path: string,
    context: FormatContext,
    body?: string,
  ): Promise<Answer> {
    let last: unknown
    for (const base of this.#plan.urls) {
      try {
        const answer = await this.#ask1(method, new URL(path, base), context, body)
        if (!('problem' in answer) || (answer.status < 500 && answer.status !== 429)) return answer
        last = new Error(this.#refusal(answer))
      } catch (error) {
        context.signal.throwIfAborted()
        last = error
      }
    }
    throw last
  }

  async #ask1(
    method: 'GET' | 'POST',
    url: URL,
    { clock, signal }: FormatContext,
    body?: string,
  ): Promise<Answer> {
    const { headers, timeoutMs } = this.#plan
    const within = new AbortController()
    const onAbort = (): void => within.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = clock.schedule(timeoutMs, () =>
      within.abort(new Error(`there was no answer within ${timeoutMs} ms (timeout)`)),
    )
    try {
      const type = 'application/vnd.schemaregistry.v1+json'
      const sent = {
        accept: `${type}, application/json`,
        ...(body !== undefined && { 'content-type': type }),
        ...headers,
      }
      const answer = await this.#ask({
        method,
        url,
        headers: sent,
        signal: within.signal,
        ...(body !== undefined && { body }),
      })
      return answerOf(answer.status, answer.body)
    } finally {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', onAbort)
    }
  }
}

type Answer = { readonly value: unknown } | { readonly status: number; readonly problem: string }

function answerOf(status: number, body: string): Answer {
  let value: unknown
  try {
    value = JSON.parse(body) as unknown
  } catch {
    if (status === 200) throw new Error('the answer is not JSON')
  }
  if (status === 200) return { value }
  const { message } = (value ?? {}) as { readonly message?: unknown }
  return { status, problem: typeof message === 'string' ? message.slice(0, 500) : '' }
}

function pause(clock: FormatContext['clock'], ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.schedule(ms, end)
    signal.addEventListener('abort', end, { once: true })
  })
}
