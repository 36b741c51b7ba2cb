import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { pipeline, type Pipeline } from '@millrace/flow'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { dataDirectory, run, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { securedUser } from '../../../scripts/services/catalogue.ts'
import { authorityOf } from '../../../scripts/services/certificates.ts'
import { LoopbackProxy } from '../../../scripts/services/loopback-proxy.ts'
import { service } from '../../../scripts/services/service.ts'
import { redis, type RedisOptions } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { client, url, freshKey } = server
const secured = await service('securedRedis')
afterAll(() => ('missing' in secured ? undefined : secured.stop()))

function copying(options: RedisOptions, input: string, output: string): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', redis.readJson<number>(input, options)).to('out', redis.writeJson(output, options))
  })
}

async function add(stream: string, numbers: readonly number[]): Promise<void> {
  const pipelined = client.pipeline()
  for (const n of numbers) pipelined.xadd(stream, '*', 'data', String(n))
  await pipelined.exec()
}

async function numbersIn(stream: string): Promise<number[]> {
  return (await client.xrange(stream, '-', '+')).map(([, [, text]]) => Number(text))
}

describe.skipIf(server.missing !== undefined)('a connection to a real server', () => {
  test('that is cut, or swallows everything, loses none of 12,000 entries and doubles none', async () => {
    const [input, output] = [freshKey(), freshKey()]
    const proxy = new LoopbackProxy(Number(new URL(url).port))
    onTestFinished(() => proxy.close())
    const options = { url: `redis://127.0.0.1:${await proxy.open()}`, requestTimeout: '2s' }
    const warnings: string[] = []
    const job = startOn(copying(options, input, output), await dataDirectory(), { warnings })
    const [rounds, each] = [12, 1_000]
    for (let round = 0; round < rounds; round++) {
      await add(
        input,
        upTo(each).map((n) => round * each + n),
      )
      // Some of this round's entries are written, and others are not: it works right now.
      await expect
        .poll(() => client.xlen(output), { timeout: 300_000, interval: 2 })
        .toBeGreaterThan(round * each)
      if (round % 4 === 3) proxy.swallow()
      else proxy.cut()
    }
    await expect.poll(() => client.xlen(output), { timeout: 300_000 }).toBe(rounds * each)
    expect(await job.stop()).toMatchObject({ outcome: 'stopped' })
    expect(await numbersIn(output)).toEqual(upTo(rounds * each))
    expect(warnings.join('\n')).toContain('was lost')
  })

  test('takes no time for an answer that is shorter than the server may take', async () => {
    const result = await run(copying({ url, requestTimeout: '500ms' }, 'in', 'out'), await dataDirectory())
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringMatching(/requestTimeout is 500 ms; give at least 2000 ms/) },
    })
  })
})

describe.skipIf('missing' in secured || secured.directory === '')('a secured server', () => {
  const [plain, encrypted] = 'missing' in secured ? [] : secured.ports
  const { username, password } = securedUser
  const ca = (): Promise<string> =>
    'missing' in secured ? Promise.resolve('') : readFile(authorityOf(secured.directory), 'utf8')

  async function end(options: RedisOptions): Promise<string> {
    const result = await run(copying(options, freshKey(), freshKey()), await dataDirectory())
    const text = `${inspect(result, { depth: 9 })}${JSON.stringify(result)}`
    expect(text).not.toMatch(/secret-word|another-word/)
    return text
  }

  test('takes the right password, also over TLS if its authority is trusted', async () => {
    expect(await end({ url: `redis://${username}:${password}@127.0.0.1:${plain}` })).toContain('finished')
    const overTls = `rediss://${username}:${password}@127.0.0.1:${encrypted}`
    expect(await end({ url: overTls, tls: { ca: await ca() } })).toContain('finished')
    expect(await end({ url: overTls })).toMatch(/no connection to .*(self-signed|unable to verify)/)
  })

  test.each([
    [`${username}:another-word@`, /WRONGPASS.*give user and password in the url/],
    ['', /NOAUTH.*give user and password in the url/],
  ])('refuses others at once, and prints no password: %s', async (login, message) => {
    expect(await end({ url: `redis://${login}127.0.0.1:${plain}` })).toMatch(message)
    expect(await end({ url: `rediss://${login}127.0.0.1:${encrypted}`, tls: { ca: await ca() } })).toMatch(
      message,
    )
  })

  test('options for TLS that would have no effect are refused', async () => {
    expect(await end({ url: `redis://127.0.0.1:${plain}`, tls: {} })).toContain('write rediss://')
    const options = { url: `rediss://127.0.0.1:${encrypted}`, tls: { certificate: 'a' } }
    expect(await end(options)).toContain('a certificate without a key')
  })
})
