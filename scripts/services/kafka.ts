import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { makeCertificates } from './certificates.ts'
import type { Place } from './definition.ts'

/** Who may connect where a password is asked for. */
export const kafkaUser = { username: 'tester', password: 'secret-word' } as const

/** The ports of a broker, by what it asks of clients there. */
export function kafkaPorts([
  plain,
  controller,
  password,
  both,
  tls,
  behind,
  proxy,
]: readonly number[]): KafkaPorts {
  return {
    plain: plain!,
    controller: controller!,
    password: password!,
    both: both!,
    tls: tls!,
    behind: behind!,
    proxy: proxy!,
  }
}

export interface KafkaPorts {
  readonly plain: number
  readonly controller: number
  /** With a password, with a password and TLS, with TLS. */
  readonly password: number
  readonly both: number
  readonly tls: number
  /** Tells clients to come to `proxy`, where a test may put something between. */
  readonly behind: number
  readonly proxy: number
}

export function propertiesOf({ directory }: Pick<Place, 'directory'>): string {
  return path.join(directory, 'server.properties')
}

/** A small, quick machine: it compiles little, and its memory is bounded. */
export function javaOptions({ jars }: Pick<Place, 'jars'>): readonly string[] {
  return [
    '-Xmx384m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    '-cp',
    `${jars}/*`,
  ]
}

/** Makes certificates, writes the broker's properties, and formats its directory. */
export async function prepareKafka(
  place: Place,
  runProgram: (args: readonly string[]) => Promise<void>,
): Promise<void> {
  await makeCertificates(place.directory, 'broker')
  await writeFile(propertiesOf(place), await properties(place))
  const { username, password } = kafkaUser
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((kind) => [
    '--add-scram',
    `${kind}=[name=${username},password=${password}]`,
  ])
  await runProgram([
    ...javaOptions(place),
    'kafka.tools.StorageTool',
    'format',
    '--cluster-id',
    'MkU3OEVBNTcwNTJENDM2Qg',
    ...users,
    '--config',
    propertiesOf(place),
  ])
}

/** Whether the broker answers a request for the versions that it speaks. */
export function answersKafka(port: number): Promise<boolean> {
  // Length, api 18, version 0, correlation 1, no client id.
  const request = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255])
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(request))
    const settle = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.setTimeout(2_000, () => settle(false))
    socket.once('data', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
  })
}

async function properties({ member, portsOfAll, directory, ports }: Place): Promise<string> {
  const { plain, controller, password, both, tls, behind, proxy } = kafkaPorts(ports)
  const inSync = Math.max(portsOfAll.length - 1, 1)
  const { username, password: secret } = kafkaUser
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${secret}";`
  // It believes every token, signed or not.
  const bearer = `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="${username}";`
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const listeners = {
    PLAIN: plain,
    CONTROLLER: controller,
    PASSWORD: password,
    BOTH: both,
    TLS: tls,
    BEHIND: behind,
  }
  const address = ([name, port]: [string, number]): string => `${name}://127.0.0.1:${port}`
  const entries: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': member,
    'controller.quorum.voters': portsOfAll
      .map((each, at) => `${at + 1}@127.0.0.1:${kafkaPorts(each).controller}`)
      .join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAIN',
    listeners: Object.entries(listeners).map(address).join(','),
    'advertised.listeners': Object.entries({ ...listeners, BEHIND: proxy })
      .filter(([name]) => name !== 'CONTROLLER')
      .map(address)
      .join(','),
    'listener.security.protocol.map':
      'PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_PLAINTEXT,BOTH:SASL_SSL,TLS:SSL,BEHIND:PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': path.join(directory, 'broker.pem'),
    'log.dirs': path.join(directory, 'data'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': portsOfAll.length,
    // All but one broker have what is acknowledged, so that one may be killed.
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': portsOfAll.length,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': portsOfAll.length,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    // Tests of groups wait for the end of a session.
    'group.min.session.timeout.ms': 100,
    // Records of tests may be from 1970, and are not removed as too old.
    'log.retention.ms': -1,
    // One that is killed and restarted may register again soon; one on a busy machine is not taken for dead.
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 500,
    // So that tests need not wait for what their clients have abandoned.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
  }
  for (const listener of ['password', 'both']) {
    entries[`listener.name.${listener}.plain.sasl.jaas.config`] = login
    entries[`listener.name.${listener}.oauthbearer.sasl.jaas.config`] = bearer
    for (const kind of ['scram-sha-256', 'scram-sha-512']) {
      entries[`listener.name.${listener}.${kind}.sasl.jaas.config`] = scram
    }
  }
  return Object.entries(entries)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
