/** A typed client for the state and the records of a running job, over HTTP. It uses nothing of Node, so that a browser can use it. */
export { client } from './client/client.ts'
export { StateRequestError } from './client/connection.ts'
export type { ClientOptions } from './client/connection.ts'
export type { PeekOptions } from './client/peek.ts'
export type { PeekEnd, PeekProgress, PeekRecord } from './contract/peek.ts'
export type {
  JobClient,
  KeyedValue,
  OperatorState,
  ReadOptions,
  ScanOptions,
  StateUpdate,
  WatchStateOptions,
} from './client/client.ts'
