/** The sources and the sink for WebSockets, exported as `websocket`. */
export { read } from './websocket/socket-client.ts'
export { broadcast, receive } from './websocket/socket-server.ts'
