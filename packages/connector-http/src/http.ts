import { httpServer, type HttpServerSource } from './http-server-source.ts'
import type { HttpServerOptions } from './server-options.ts'

/** Sources that speak HTTP. */
export const http: {
  /** Receives records that other programs post; see `httpServer`. */
  readonly server: <T>(options: HttpServerOptions) => HttpServerSource<T>
} = { server: httpServer }
