import type { Ask, RegistryAnswer } from '../src/door.ts'
import { registryPlanOf, type RegistryOptions } from '../src/registry-options.ts'
import { HttpSchemaRegistry } from '../src/schema-registry.ts'

interface Registered {
  readonly schema: string
  readonly schemaType?: string
}

/** A schema registry in memory, with the part of Confluent's interface that the client uses. */
export class MemoryRegistry {
  readonly schemas = new Map<number, Registered>()
  readonly subjects = new Map<string, number[]>()
  readonly requests: string[] = []
  /** What it answers instead, while it is set. */
  failure: Error | RegistryAnswer | undefined
  authorization: string | undefined

  answer(
    method: string,
    path: string,
    body: string | undefined,
    authorization: string | undefined,
  ): RegistryAnswer {
    this.requests.push(`${method} ${path}`)
    if (this.failure instanceof Error) throw this.failure
    if (this.failure !== undefined) return this.failure
    if (authorization !== this.authorization) return json(401, { error_code: 401, message: 'Unauthorized' })
    const [, id] = /^\/schemas\/ids\/(\d+)$/.exec(path) ?? []
    if (id !== undefined) {
      const found = this.schemas.get(Number(id))
      return found === undefined
        ? json(404, { error_code: 40403, message: 'Schema not found' })
        : json(200, found)
    }
    const [, subject] = /^\/subjects\/([^/]+)\/versions$/.exec(path) ?? []
    if (subject === undefined) return json(404, {})
    return json(200, { id: this.#register(decodeURIComponent(subject), JSON.parse(body!) as Registered) })
  }

  #register(subject: string, schema: Registered): number {
    const text = JSON.stringify(schema)
    let [id] = [...this.schemas].find(([, known]) => JSON.stringify(known) === text) ?? []
    if (id === undefined) this.schemas.set((id = this.schemas.size + 1), schema)
    this.subjects.set(subject, [...(this.subjects.get(subject) ?? []), id])
    return id
  }

  /** A client that reaches it without a network. */
  client(options: Partial<RegistryOptions> = {}): HttpSchemaRegistry {
    const ask: Ask = async ({ method, url, headers, body, signal }) => {
      signal.throwIfAborted()
      return this.answer(method, url.pathname, body, headers['authorization'])
    }
    return new HttpSchemaRegistry(registryPlanOf({ url: 'http://registry.example:8081', ...options }), ask)
  }
}

function json(status: number, value: unknown): RegistryAnswer {
  return { status, body: JSON.stringify(value) }
}
