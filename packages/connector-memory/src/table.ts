import type { Change, Key } from '@millrace/core'
import type { ChangeSink } from '@millrace/core/connector'
import { keyToken, type KeyToken } from '@millrace/core/store'
import { MemorySink } from './arrays.ts'

/**
 * Writes a table to memory, exactly once: `rows` shows the rows as of the last complete checkpoint.
 *
 * @example
 * const rows = memory.writeTable<Order>()
 * // ... run a job that writes a table of orders to it ...
 * rows.rows // => [{ id: 'o1', total: 30 }]
 */
export function writeTable<T, K extends Key = Key>(): MemoryTable<T, K> {
  return new MemoryTable()
}

/** A sink that applies changes to rows in memory. It keeps all changes in `values`, too. */
export class MemoryTable<T, K extends Key = Key>
  extends MemorySink<Change<T, K>>
  implements ChangeSink<T, K>
{
  readonly applies = 'changes'

  /**
   * The current rows, in order of their insertion. Computed from all changes.
   *
   * Throws an error for a change that is not possible: of a row that does not exist, or an insert of one that does.
   */
  get rows(): readonly T[] {
    const rows = new Map<KeyToken, T>()
    for (const { kind, key, value } of this.values) {
      const token = keyToken(key)
      if (rows.has(token) === (kind === 'insert')) {
        throw new Error(
          `${kind} of a row that ${kind === 'insert' ? 'exists' : 'does not exist'}: key ${JSON.stringify(key)}`,
        )
      }
      if (kind === 'delete') rows.delete(token)
      else rows.set(token, value)
    }
    return [...rows.values()]
  }
}
