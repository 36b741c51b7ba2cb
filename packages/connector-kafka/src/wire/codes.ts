import { KafkaFailure } from '../cluster.ts'

/** Errors: those of the protocol by its numbers, and those of the client by the numbers of librdkafka. */
export const codes = {
  none: 0,
  offsetOutOfRange: 1,
  corrupt: 2,
  unknownPartition: 3,
  badName: 17,
  topicRefused: 29,
  groupRefused: 30,
  unsupported: 35,
  noLeader: 5,
  noCoordinator: 15,
  notCoordinator: 16,
  transport: -195,
  timedOut: -185,
  tls: -181,
  authentication: -169,
} as const

const meanings: Readonly<Record<number, string>> = {
  [-1]: 'the broker has an unknown problem',
  1: 'there are no records at this offset',
  2: 'a record is damaged on the broker',
  3: 'there is no such partition on this broker',
  5: 'the partition has no leader now',
  6: 'the broker no longer leads the partition',
  7: 'the broker has waited too long',
  9: 'the replica is not there',
  14: 'the coordinator of the group is starting',
  15: 'the group has no coordinator now',
  16: 'the broker no longer coordinates the group',
  17: 'the name of the topic is not allowed',
  29: 'this user may not read the topic',
  30: 'this user may not use the group',
  31: 'this user may not do this in the cluster',
  34: 'the broker refuses the mechanism of sasl at this point',
  56: 'the disk of the broker has a problem',
  58: 'authentication failed',
  74: 'the broker has not heard of the newest leader',
  75: 'the partition has another leader now',
  78: 'the newest leader does not know its offsets yet',
}

/** What waiting does not change: rights, versions, names. */
const finalCodes: ReadonlySet<number> = new Set<number>([
  codes.badName,
  codes.topicRefused,
  codes.groupRefused,
  31,
  34,
  codes.unsupported,
  58,
  codes.authentication,
])

/** The error for a number, with what is known of it. */
export function failureOf(code: number, message: string): KafkaFailure {
  return new KafkaFailure(code, message, finalCodes.has(code))
}

/** The error that a broker has answered with; undefined for none. */
export function answeredFailure(code: number, about: string): KafkaFailure | undefined {
  return code === codes.none
    ? undefined
    : failureOf(code, `${about}: ${meanings[code] ?? `error ${code} of the broker`}`)
}
