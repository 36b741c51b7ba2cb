/** Receives records over HTTP in Millrace pipelines. */
export * as http from './http.ts'
export type { HttpServerSource, ReceiveOptions } from './http-server-source.ts'
export type { InboxPosition } from './inbox-position.ts'
export type { ServerAddress } from './server.ts'
export type { HttpServerOptions } from './server-options.ts'
