import { MillraceError } from '@millrace/core'
import type { RegisteredSchema, SchemaRegistry } from '@millrace/schema-registry'

/** A schema registry in memory, which knows a schema once it was loaded. */
export class MemorySchemas implements SchemaRegistry {
  readonly subjects: string[] = []
  readonly #schemas = new Map<number, RegisteredSchema>()
  readonly #loaded = new Set<number>()

  put(id: number, schema: string, type: RegisteredSchema['type'] = 'AVRO'): void {
    this.#schemas.set(id, { schema, type, references: [] })
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

  async register(subject: string, given: RegisteredSchema): Promise<number> {
    this.subjects.push(subject)
    const id = this.#schemas.size + 1
    this.#schemas.set(id, given)
    return id
  }
}
