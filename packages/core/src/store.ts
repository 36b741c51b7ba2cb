/** For authors of state stores: the contract, keys as tokens, key groups, work in slices. */

export { assert } from './errors/errors.ts'
export { defaultKeyGroups, keyGroup, keyGroupRange, subtaskOfGroup } from './record/key-group.ts'
export type { KeyGroupRange } from './record/key-group.ts'
export { keyToken, readToken, tokenKey, writeToken } from './record/key-token.ts'
export type { KeyToken } from './record/key-token.ts'
export { TokenMap } from './record/token-map.ts'
export type { Pacing, Slicing } from './disk/yield-budget.ts'
export type {
  Cell,
  DiscardedState,
  OpenStateStore,
  StateStore,
  StateStoreOptions,
  StateTable,
  StoreSnapshot,
  OpenedTable,
  StoreFile,
  StoreUsage,
  TableUsage,
  TableSpec,
} from './state/state-store.ts'
export { PagedList } from './time/paged-list.ts'
