import { MillraceError } from '@millrace/core'
import type { StateStore } from '@millrace/core/store'
import type { StateKind } from '@millrace/flow'
import { diskStore } from '@millrace/store-disk'
import { memoryStore } from '@millrace/store-memory'

/** Which state store to use. Plain data: each thread opens its own. */
export interface StoreChoice {
  readonly kind: StateKind
  /** Memory of the disk store in each thread, in MiB. Default 256. */
  readonly memoryMb?: number
}

/** The state store of a choice. Throws `OPTION_INVALID` for an unknown kind, and for memory that is no limit. */
export function storeOf({ kind, memoryMb }: StoreChoice): StateStore {
  if (kind === 'disk') {
    return memoryMb === undefined ? diskStore() : diskStore({ memoryBytes: memoryMb * 1024 * 1024 })
  }
  if (kind !== 'memory') {
    throw new MillraceError('OPTION_INVALID', `state is '${String(kind)}'; use 'memory' or 'disk'`)
  }
  if (memoryMb !== undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      "the memory of state is given, but the state is in memory and has no limit; set state to 'disk'",
    )
  }
  return memoryStore()
}
