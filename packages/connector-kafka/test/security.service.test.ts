import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { pipeline, type Pipeline } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { dataDirectory, startOn } from '../../../lab/servers/job-on-disk.ts'
import { authorityOf } from '../../../scripts/services/certificates.ts'
import { kafkaPorts, kafkaUser } from '../../../scripts/services/kafka.ts'
import { kafka, type KafkaOptions, type PasswordOptions, type SaslOptions } from '../src/index.ts'
import { numbered, type Numbered } from './job-parts.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const isOurs = broker.missing === undefined && broker.server.directory !== ''
const ports = isOurs ? kafkaPorts(broker.server.ports) : undefined
const ca = isOurs ? await readFile(authorityOf(broker.server.directory), 'utf8') : ''

function copying(options: KafkaOptions, input: string, output: string): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', kafka.readJson<Numbered>({ ...options, topic: input })).to(
      'out',
      kafka.writeJson({ ...options, topic: output }),
    )
  })
}

async function run(options: Omit<KafkaOptions, 'brokers'>, port: number): Promise<unknown> {
  const [input, output] = [await broker.freshTopic(), await broker.freshTopic()]
  await broker.produce(input, numbered(0, 20))
  const all = { ...options, brokers: `127.0.0.1:${port}` }
  return startOn(copying(all, input, output), await dataDirectory(), { isBounded: true }).ended
}

/** All that may be printed of a failed run. */
function shown(result: unknown): string {
  const { error } = result as { readonly error: Error }
  return [
    String(error),
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: 10, showHidden: true }),
  ].join('\n')
}

const sasl = (mechanism: NonNullable<PasswordOptions['mechanism']>): SaslOptions => ({
  mechanism,
  ...kafkaUser,
})
/** A token as the broker's own test validator takes it: without a signature. */
function token(): string {
  const part = (content: object): string => Buffer.from(JSON.stringify(content)).toString('base64url')
  const now = Math.floor(Date.now() / 1_000)
  return `${part({ alg: 'none' })}.${part({ sub: kafkaUser.username, iat: now, exp: now + 600 })}.`
}

const finished = { outcome: 'finished' }

describe.skipIf(!isOurs)('a secured broker', () => {
  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'takes a password by %s',
    async (mechanism) => {
      expect(await run({ sasl: sasl(mechanism) }, ports!.password)).toEqual(finished)
    },
  )

  test('takes a token', async () => {
    expect(await run({ sasl: { mechanism: 'oauthbearer', token } }, ports!.password)).toEqual(finished)
  })

  test('is reached by TLS, with and without a password', async () => {
    expect(await run({ tls: { ca } }, ports!.tls)).toEqual(finished)
    expect(await run({ tls: { ca }, sasl: sasl('scram-sha-512') }, ports!.both)).toEqual(finished)
  })

  test('that is not trusted is refused at the start', async () => {
    const result = await run({ tls: true }, ports!.tls)
    expect(shown(result)).toMatch(/no connection to Kafka on 127\.0\.0\.1:\d+: .*certificate.*; check tls/s)
  })

  test.each(['plain', 'scram-sha-256'] as const)(
    'that refuses a password by %s ends the job with a clear error, which does not show the password',
    async (mechanism) => {
      const wrong = { mechanism, username: kafkaUser.username, password: 'wrong-secret-word' }
      const result = await run({ sasl: wrong }, ports!.password)
      expect(result).toMatchObject({
        outcome: 'failed',
        error: { cause: { code: 'OPTION_INVALID', isFinal: true } },
      })
      expect(shown(result)).toMatch(/[Aa]uthentication failed.*check the user, the password/)
      expect(shown(result)).not.toContain('wrong-secret-word')
    },
  )
})

describe.skipIf(broker.missing !== undefined)('a wrong address or topic', () => {
  test('with no broker behind it ends the job at the start, without retries', async () => {
    const result = await run({}, 1)
    expect(shown(result)).toMatch(/no connection to Kafka on 127\.0\.0\.1:1: .*refused.*check the address/s)
  })

  test('that does not exist ends the job at the start', async () => {
    const options = { brokers: broker.brokers }
    const topic = await broker.freshTopic()
    for (const [input, output] of [
      [topic, 'no-such-topic'],
      ['no-such-topic', topic],
    ] as const) {
      const result = await startOn(copying(options, input, output), await dataDirectory()).ended
      expect(shown(result)).toMatch(/there is no topic no-such-topic on .*; create it first/)
    }
  })
})
