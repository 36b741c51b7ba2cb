/** The source and the sink for server-sent events, exported as `sse`. */
export { broadcast } from './events/broadcast.ts'
export { read } from './events/read-source.ts'
