import { http, sse, websocket } from '@millrace/connector-http'
import { kafka } from '@millrace/connector-kafka'
import { nats } from '@millrace/connector-nats'
import { rabbitmq } from '@millrace/connector-rabbitmq'
import { redis } from '@millrace/connector-redis'
import type { Sink, Source } from '@millrace/core/connector'
import { avro } from '@millrace/format-avro'
import { schemaRegistry } from '@millrace/schema-registry'
import type { Secret } from 'millrace'

/** In every planted secret. */
export const marker = 'pl4ntedW0rd'

/** A secret as users give it: as text, or as a `Secret`. */
export type Give = (text: string) => string | Secret

/** A connector with a secret in one option. `host` is a server of no protocol, which repeats what it gets. */
export type Plant = (
  host: string,
  give: Give,
) => { readonly source: Source<unknown> } | { readonly sink: Sink<string> }

const stream = 'events'

/** Every option of a connector that takes a secret. */
export const plants: Readonly<Record<string, Plant>> = {
  'kafka: the password of PLAIN': (brokers, give) => ({
    source: kafka.readText({
      brokers,
      topic: stream,
      requestTimeout: '1s',
      sasl: { mechanism: 'plain', username: 'app', password: give(marker) },
    }),
  }),
  'kafka: the password of SCRAM': (brokers, give) => ({
    source: kafka.readText({
      brokers,
      topic: stream,
      requestTimeout: '1s',
      sasl: { username: 'app', password: give(marker) },
    }),
  }),
  'kafka: a token': (brokers, give) => ({
    source: kafka.readText({
      brokers,
      topic: stream,
      requestTimeout: '1s',
      sasl: { mechanism: 'oauthbearer', token: () => give(`${marker}.${marker}.x`) },
    }),
  }),
  'kafka: the key of a certificate': (brokers, give) => ({
    source: kafka.readText({
      brokers,
      topic: stream,
      requestTimeout: '1s',
      tls: { certificate: 'not a certificate', key: give(marker), keyPassword: give(marker) },
    }),
  }),
  'kafka: the password of a sink': (brokers, give) => ({
    sink: kafka.writeText({ brokers, topic: stream, sasl: { username: 'app', password: give(marker) } }),
  }),
  'nats: the password in the url': (host, give) => ({
    source: nats.readText({ url: give(`nats://app:${marker}@${host}`), stream, connectTimeout: '1s' }),
  }),
  'nats: a token in one of several urls': (host, give) => ({
    source: nats.receiveText({
      url: [give(`nats://${marker}@${host}`), 'nats://localhost:1'],
      subject: stream,
      connectTimeout: '1s',
    }),
  }),
  'nats: the password of a sink': (host, give) => ({
    sink: nats.writeText({
      url: give(`nats://app:${marker}@${host}`),
      stream,
      subject: stream,
      connectTimeout: '1s',
    }),
  }),
  'nats: credentials': (host, give) => ({
    sink: nats.writeText({
      url: `nats://${host}`,
      credentials: give(`-----BEGIN NATS USER JWT-----\n${marker}\n------END NATS USER JWT------\n`),
      stream,
      subject: stream,
      connectTimeout: '1s',
    }),
  }),
  'rabbitmq: the password in the url': (host, give) => ({
    source: rabbitmq.receiveText({
      url: give(`amqp://app:${marker}@${host}`),
      queue: stream,
      connectTimeout: '1s',
    }),
  }),
  'rabbitmq: the password of a sink': (host, give) => ({
    sink: rabbitmq.writeText({
      url: [give(`amqp://app:${marker}@${host}`)],
      queue: stream,
      connectTimeout: '1s',
    }),
  }),
  'redis: the password in the url': (host, give) => ({
    source: redis.readJson(stream, { url: give(`redis://app:${marker}@${host}`), connectTimeout: '1s' }),
  }),
  'redis: the password of a sink': (host, give) => ({
    sink: redis.writeCommands<string>('list', (text) => [['RPUSH', 'list', text]], {
      url: give(`redis://:${marker}@${host}`),
      connectTimeout: '1s',
    }),
  }),
  'redis: the key of a certificate': (host, give) => ({
    source: redis.readJson(stream, {
      url: `rediss://${host}`,
      tls: { certificate: 'not a certificate', key: give(marker) },
      connectTimeout: '1s',
    }),
  }),
  'http.send: the url and the header fields': (host, give) => ({
    sink: http.send<string>({
      url: give(`http://app:${marker}@${host}/hooks/${marker}?sign=${marker}`),
      headers: { authorization: give(`Bearer ${marker}`), 'x-key': give(marker) },
      timeout: '1s',
    }),
  }),
  'http.poll: the url and the header fields': (host, give) => ({
    source: http.poll<unknown>({
      url: give(`http://${host}/${marker}?key=${marker}`),
      headers: { authorization: give(`Bearer ${marker}`) },
      timeout: '1s',
    }),
  }),
  'http.poll: the key of a certificate': (host, give) => ({
    source: http.poll<unknown>({
      url: `https://${host}/`,
      tls: { certificate: 'not a certificate', key: give(marker) },
      timeout: '1s',
    }),
  }),
  'sse.read: the url and the header fields': (host, give) => ({
    source: sse.read<unknown>({
      url: give(`http://app:${marker}@${host}/${marker}`),
      headers: { authorization: give(`Bearer ${marker}`) },
      timeout: '1s',
    }),
  }),
  'websocket.read: the url and the header fields': (host, give) => ({
    source: websocket.read<unknown>({
      url: give(`ws://app:${marker}@${host}/${marker}`),
      headers: { authorization: give(`Bearer ${marker}`) },
      timeout: '1s',
    }),
  }),
  'http.receive: the token': (_host, give) => ({
    source: http.receive<unknown>({ port: 0, token: give(marker) }),
  }),
  'sse.broadcast: the token': (_host, give) => ({
    sink: sse.broadcast<string>({ port: 0, token: give(marker) }),
  }),
  'the schema registry: the url': (host, give) => ({
    sink: registered(host, give, `http://app:${marker}@${host}`, {}),
  }),
  'the schema registry: a header field': (host, give) => ({
    sink: registered(host, give, `http://${host}`, { authorization: give(`Bearer ${marker}`) }),
  }),
}

function registered(
  brokers: string,
  give: Give,
  url: string,
  headers: Readonly<Record<string, string | Secret>>,
): Sink<string> {
  const registry = schemaRegistry({ url: give(url), headers, timeout: '1s' })
  return kafka.write<string>({ brokers, topic: stream, format: avro.format({ schema: 'string', registry }) })
}
