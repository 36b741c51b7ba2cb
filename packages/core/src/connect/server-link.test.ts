import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import { ServerConnector, type LinkContext, type Server } from './server-link.ts'

class Connection {
  isOpen = true
}

/** Connections that open unless there is a failure. `FORBIDDEN` stays a failure. */
class TestServer implements Server<Connection> {
  readonly product = 'Acme'
  readonly address = 'one:4222'
  readonly opened: Connection[] = []
  failure: Error | undefined
  readonly reasonOf = (error: unknown): string => (error as Error).message.replace('s3cret', '***')
  readonly adviceOn = (): string => 'check the address'
  readonly isFinal = (error: unknown): boolean => (error as Error).message === 'FORBIDDEN'
  open(): Promise<Connection> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const connection = new Connection()
    this.opened.push(connection)
    return Promise.resolve(connection)
  }
  isOpen({ isOpen }: Connection): boolean {
    return isOpen
  }
  close(connection: Connection): void {
    connection.isOpen = false
  }
}

function job(): LinkContext & { clock: ManualClock; reports: readonly string[]; stop: AbortController } {
  const reports: string[] = []
  const stop = new AbortController()
  return {
    clock: new ManualClock(),
    reports,
    stop,
    signal: stop.signal,
    down: (reason) => void reports.push(String(reason)),
    trying: () => void reports.push('trying'),
    up: () => void reports.push('up'),
  }
}

const refused = new Error('s3cret refused')
const outage = 'no connection to Acme on one:4222: *** refused'

test('server link: a server that cannot be reached ends the start at once, without secrets', async () => {
  const server = new TestServer()
  server.failure = refused
  const failure = await new ServerConnector(server).link('sink out', job()).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'OPTION_INVALID', isFinal: true })
  expect((failure as Error).message).toBe(`sink out: ${outage}; check the address`)
  expect((failure as Error).cause).toBeUndefined()
})

test('server link: a connector that was connected once waits for its server', async () => {
  const server = new TestServer()
  const connector = new ServerConnector(server)
  const { clock, reports, ...rest } = job()
  const first = await connector.link('sink out', { clock, ...rest })
  first.close()
  server.failure = refused
  const link = await connector.link('sink out', { clock, ...rest })
  const working = link.repeat(() => Promise.resolve('done'))
  await clock.advance(1_000)
  expect(reports).toContain(outage)
  server.failure = undefined
  await clock.advance(5_000)
  expect(await working).toBe('done')
})

test('server link: an outage is tried again with growing pauses, and reported with its end', async () => {
  const server = new TestServer()
  const { clock, reports, ...rest } = job()
  const link = await new ServerConnector(server).link('sink out', { clock, ...rest })
  const triedAt: number[] = []
  const working = link.repeat(() => {
    triedAt.push(clock.monotonic())
    return triedAt.length < 10 ? Promise.reject(refused) : Promise.resolve('done')
  })
  await clock.advance(60_000)
  expect(await working).toBe('done')
  const pauses = triedAt.slice(1).map((at, index) => at - triedAt[index]!)
  expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  // The first pause comes before the outage is certain.
  expect(reports.slice(0, 4)).toEqual(['trying', outage, 'trying', outage])
  expect(reports.at(-1)).toBe('up')
  expect(server.opened.length).toBe(10)
})

test('server link: a failure that the next try repairs is no outage, and gets a new connection', async () => {
  const server = new TestServer()
  const { clock, reports, ...rest } = job()
  const link = await new ServerConnector(server).link('source in', { clock, ...rest })
  const used = new Set<Connection>()
  const working = link.repeat((connection) => {
    used.add(connection)
    return used.size > 1 ? Promise.resolve() : Promise.reject(new Error('the consumer is gone'))
  })
  await clock.advance(1_000)
  await working
  expect(reports).toEqual(['trying', 'up'])
  expect(server.opened.map(({ isOpen }) => isOpen)).toEqual([false, true])
})

test('server link: what is final is not tried again, and a job that stops waits for nothing', async () => {
  const server = new TestServer()
  const { clock, stop, ...rest } = job()
  const link = await new ServerConnector(server).link('source in', { clock, ...rest })
  const forbidden = new Error('FORBIDDEN')
  await expect(link.repeat(() => Promise.reject(forbidden))).rejects.toBe(forbidden)
  const waiting = link.repeat(() => Promise.reject(refused))
  await clock.advance(1)
  stop.abort()
  await expect(waiting).rejects.toThrow()
  expect(clock.pending).toBe(0)
})

test('server link: an action does not wait for a connection that is lost', async () => {
  let lose!: (error: Error) => void
  const lost = new Promise<never>((_, reject) => (lose = reject))
  const server = Object.assign(new TestServer(), {
    lost: () => (server.opened.length === 1 ? lost : new Promise<never>(() => {})),
  })
  const { clock, ...rest } = job()
  const link = await new ServerConnector<Connection>(server).link('source in', { clock, ...rest })
  const working = link.repeat(() =>
    server.opened.length === 1 ? new Promise(() => {}) : Promise.resolve('done'),
  )
  lose(new Error('cut'))
  await clock.advance(50)
  expect(await working).toBe('done')
})

test('server link: a connection that staysConnected is open after the job stops, until close', async () => {
  const server = new TestServer()
  const { stop, ...rest } = job()
  const connector = new ServerConnector(server)
  const left = await connector.link('source in', rest)
  const staying = await connector.link('source in', rest)
  await staying.connection()
  staying.staysConnected = true
  stop.abort()
  expect(server.opened.map(({ isOpen }) => isOpen)).toEqual([false, true])
  staying.close()
  expect(server.opened.map(({ isOpen }) => isOpen)).toEqual([false, false])
  left.close()
})
