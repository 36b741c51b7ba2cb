import { MillraceError } from '@millrace/core'
import type { RegisteredSchema, SchemaRegistry } from '@millrace/schema-registry'

/** A schema registry in memory, which knows a schema once it was loaded. */
export class MemorySchemas implements SchemaRegistry {
  readonly #schemas = new Map<number, RegisteredSchema>()
  readonly #loaded = new Set<number>()

  /** The registered schema with an id. */
  at(id: number): RegisteredSchema | undefined {
    return this.#schemas.get(id)
  }

  schema(id: number): RegisteredSchema {
    const found = this.#loaded.has(id) ? this.#schemas.get(id) : undefined
    if (found === undefined) throw new MillraceError('DECODE_FAILED', `there is no schema ${id}`)
    return found
  }

  load(id: number): Promise<void> | undefined {
    if (this.#loaded.has(id)) return undefined
    this.#loaded.add(id)
    return Promise.resolve()
  }

  async register(_subject: string, given: RegisteredSchema): Promise<number> {
    const id = this.#schemas.size + 1
    this.#schemas.set(id, given)
    return id
  }
}
