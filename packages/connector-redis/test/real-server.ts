import { Redis } from 'ioredis'
import { afterAll } from 'vitest'
import { service, type RunningService } from '../../../scripts/services/service.ts'

/** A Redis server for the tests of one file, with a client that looks at it from outside. */
export interface RealServer {
  /** Why there is none. */
  readonly missing: string | undefined
  readonly url: string
  readonly client: Redis
  readonly restart: () => Promise<void>
  /** A key that nothing has used before. */
  readonly freshKey: () => string
}

export async function realServer(): Promise<RealServer> {
  const outcome = await service('redis')
  if ('missing' in outcome) {
    const none = undefined as never
    return { missing: outcome.missing, url: '', client: none, restart: none, freshKey: none }
  }
  const server: RunningService = outcome
  const client = new Redis(server.url, { maxRetriesPerRequest: null })
  client.on('error', () => {})
  afterAll(async () => {
    client.disconnect()
    await server.stop()
  })
  let keys = 0
  const run = `${process.pid}-${Date.now().toString(36)}`
  return {
    missing: undefined,
    url: server.url,
    client,
    restart: () => server.restart?.() ?? Promise.resolve(),
    freshKey: () => `test-${run}-${keys++}`,
  }
}
