import { MillraceError, secret } from '@millrace/core'
import type { KafkaOptions } from '@millrace/connector-kafka/port'

/** How an address is written, for messages. */
const form = "write it as 'kafka://HOST:PORT', with further brokers behind commas"
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

/**
 * Reads the address of a cluster: `kafka://HOST:PORT,HOST:PORT`, with `USER:PASSWORD@` before the first host if it wants a login,
 * which is percent-encoded, and `?tls=true` and `?sasl=scram-sha-512` behind the last. Throws `OPTION_INVALID`, without the password.
 *
 * @example
 * clusterAddress('kafka://app:s3cret@broker-1:9093,broker-2:9093?tls=true')
 */
export function clusterAddress(address: string): KafkaOptions {
  const match = /^kafka:\/\/(?:([^:@/]+):([^@/]*)@)?([^@/?]+)\/?(?:\?(.*))?$/s.exec(address)
  if (match === null) throw invalid(`the address of the cluster cannot be read; ${form}`)
  const [, username, password, brokers = '', query = ''] = match
  const settings = new URLSearchParams(query)
  for (const name of settings.keys()) {
    if (name !== 'tls' && name !== 'sasl')
      throw invalid(`'${name}' is no setting of a cluster; there are tls and sasl`)
  }
  const tls = settings.get('tls') ?? 'false'
  if (tls !== 'true' && tls !== 'false') throw invalid(`tls is ${tls}; give true or false`)
  const mechanism = settings.get('sasl') ?? 'scram-sha-256'
  if (!isMechanism(mechanism)) throw invalid(`sasl is ${mechanism}; give one of ${mechanisms.join(', ')}`)
  if (username === undefined && settings.has('sasl'))
    throw invalid('sasl is given without a login; add USER:PASSWORD@')
  return {
    brokers,
    tls: tls === 'true',
    ...(username !== undefined && {
      sasl: { mechanism, username: decode(username), password: secret(decode(password ?? '')) },
    }),
  }
}

function isMechanism(text: string): text is (typeof mechanisms)[number] {
  return mechanisms.some((each) => each === text)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('the login is not percent-encoded')
  }
}

function invalid(problem: string): MillraceError {
  return new MillraceError('OPTION_INVALID', `--cluster: ${problem}`, { isFinal: true })
}
