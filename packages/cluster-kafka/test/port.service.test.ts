import { connectPort } from '@millrace/connector-kafka/port'
import { systemClock } from '@millrace/world'
import { afterAll, describe } from 'vitest'
import { service } from '../../../scripts/services/service.ts'
import { portConformance } from './port-conformance.ts'

const server = await service('kafka')
const isMissing = 'missing' in server

afterAll(async () => {
  if (!isMissing) await server.stop()
})

describe.skipIf(isMissing)('a real broker', () => {
  portConformance(() => {
    const connect = connectPort({ brokers: isMissing ? '' : server.url })
    return Promise.resolve({ clock: systemClock, connect: (world) => connect('a test', world) })
  })
})
