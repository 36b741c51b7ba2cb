import { KafkaFailure } from './cluster.ts'
import { invalid } from './options.ts'

/** The numbers of this client and of the protocol for a user who is refused, and for a connection that is not trusted. */
const aboutUsers: ReadonlySet<number> = new Set([-169, 33, 34, 58])
const aboutTrust = -181

/** The error for a cluster that was never reached: what is wrong, and what to look at. */
export function refusal(what: string, address: string, error: unknown): unknown {
  if (!(error instanceof KafkaFailure)) return error
  const { code, message } = error
  const help = aboutUsers.has(code)
    ? 'check the user, the password and the mechanism in sasl'
    : code === aboutTrust
      ? 'check tls: the authorities, the certificate, and whether this port speaks TLS'
      : 'check the address, whether the broker runs, and whether the port needs tls or sasl'
  return invalid(what, `no connection to Kafka on ${address}: ${message}; ${help}`)
}
