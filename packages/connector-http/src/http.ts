/** The sources and sinks for HTTP, exported as `http`. */
export { poll } from './poll/poll-source.ts'
export { receive } from './http-server-source.ts'
export { send } from './send/send-sink.ts'
