/** A typed client for the state of a running job, over HTTP. It uses nothing of Node, so that a browser can use it. */
export { client, StateRequestError } from './client/client.ts'
export type {
  ClientOptions,
  JobClient,
  KeyedValue,
  OperatorState,
  ReadOptions,
  ScanOptions,
  StateUpdate,
  WatchStateOptions,
} from './client/client.ts'
