import net from 'node:net'
import path from 'node:path'
import { makeCertificates } from './certificates.ts'
import type { Place, Service } from './definition.ts'
import { answersKafka, javaOptions, prepareKafka, propertiesOf } from './kafka.ts'
import { prepareRabbit, rabbitArguments, rabbitPackages, rabbitScript } from './rabbitmq.ts'

/** Who may connect to the secured servers. */
export const securedUser = { username: 'tester', password: 'secret-word' } as const

const redis = {
  name: 'redis',
  variable: 'MILLRACE_REDIS_URL',
  program: 'redis-server',
  packages: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'],
  // Each write is in the file before it is answered, so that a test may kill the server. Nothing is synced: that waits for a slow disk.
  arguments: ({ port, directory }: Place) => [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--appendonly',
    'yes',
    '--appendfsync',
    'no',
    '--save',
    '',
  ],
  url: (port: number) => `redis://127.0.0.1:${port}`,
  answers: async (port: number) => (await ask(port, 'PING\r\n')).startsWith('+PONG'),
} as const satisfies Service

const nats = {
  name: 'nats',
  variable: 'MILLRACE_NATS_URL',
  program: 'nats-server',
  packages: ['nats-server'],
  arguments: ({ port, directory }: Place) => [
    '--addr',
    '127.0.0.1',
    '--port',
    String(port),
    '--jetstream',
    '--store_dir',
    directory,
  ],
  url: (port: number) => `nats://127.0.0.1:${port}`,
  // It greets when it has read its streams.
  answers: async (port: number) => (await ask(port, '')).startsWith('INFO '),
} as const satisfies Service

const kafka = {
  name: 'kafka',
  variable: 'MILLRACE_KAFKA_BROKERS',
  program: 'java',
  packages: ['openjdk-17-jre-headless'],
  artifacts: [
    { group: 'org.apache.kafka', name: 'kafka_2.13', version: '4.1.1' },
    // Has the consumer by which tests look at results.
    { group: 'org.apache.kafka', name: 'kafka-tools', version: '4.1.1', isAlone: true },
    { group: 'org.slf4j', name: 'slf4j-simple', version: '1.7.36' },
  ],
  ports: 7,
  prepare: prepareKafka,
  arguments: (place: Place) => [...javaOptions(place), 'kafka.Kafka', propertiesOf(place)],
  url: (port: number) => `127.0.0.1:${port}`,
  answers: answersKafka,
} as const satisfies Service

/** The key and the certificate of a server in its directory. */
const certificateIn = (directory: string): string => path.join(directory, 'server.pem')
const certify = ({ directory }: Place): Promise<void> => makeCertificates(directory, 'server')

export const services = {
  redis,
  /** Asks for a password, and for TLS on its second port. */
  securedRedis: {
    ...redis,
    variable: 'MILLRACE_SECURED_REDIS_URL',
    ports: 2,
    prepare: certify,
    arguments: (place) => [
      ...redis.arguments(place),
      '--tls-port',
      String(place.ports[1]),
      '--tls-cert-file',
      certificateIn(place.directory),
      '--tls-key-file',
      certificateIn(place.directory),
      '--tls-auth-clients',
      'no',
      '--user',
      securedUser.username,
      'on',
      `>${securedUser.password}`,
      'allkeys',
      'allcommands',
      '--user',
      'default',
      'off',
    ],
    answers: async (port) => (await ask(port, 'PING\r\n')).startsWith('-NOAUTH'),
  },
  nats,
  /** Asks for a password and for TLS. */
  securedNats: {
    ...nats,
    variable: 'MILLRACE_SECURED_NATS_URL',
    prepare: certify,
    arguments: (place) => [
      ...nats.arguments(place),
      '--tls',
      '--tlscert',
      certificateIn(place.directory),
      '--tlskey',
      certificateIn(place.directory),
      '--user',
      securedUser.username,
      '--pass',
      securedUser.password,
    ],
  },
  rabbitmq: {
    name: 'rabbitmq',
    variable: 'MILLRACE_RABBITMQ_URL',
    program: 'rabbitmq-server',
    packages: rabbitPackages,
    ports: 4,
    prepare: prepareRabbit,
    script: rabbitScript,
    arguments: rabbitArguments,
    url: (port) => `amqp://127.0.0.1:${port}`,
    // It listens when it has read its queues, and greets with a frame.
    answers: async (port) => (await ask(port, 'AMQP\u0000\u0000\u0009\u0001')).startsWith('\u0001'),
  },
  kafka,
  /** Three brokers. Each has everything, and one of them may be killed. */
  kafkaCluster: { ...kafka, variable: 'MILLRACE_KAFKA_CLUSTER_BROKERS', members: 3 },
} as const satisfies Readonly<Record<string, Service>>

export type ServiceName = keyof typeof services

/** Sends a line to a port of this machine and resolves to what comes back first; '' if nothing does. */
function ask(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
    const settle = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => settle(''))
    socket.once('data', (data) => settle(data.toString('latin1')))
    socket.once('error', () => settle(''))
    socket.once('close', () => settle(''))
  })
}
