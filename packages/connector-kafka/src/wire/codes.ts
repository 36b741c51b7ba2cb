import { KafkaFailure } from '../cluster.ts'

/** Errors: those of the protocol by its numbers, and those of this client by negative numbers. */
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
  coordinatorLoading: 14,
  noCoordinator: 15,
  notCoordinator: 16,
  outOfOrder: 45,
  duplicate: 46,
  staleEpoch: 47,
  concurrentTransactions: 51,
  unknownProducer: 59,
  unstableOffset: 88,
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
  10: 'a batch is larger than the broker or the topic allows (max.message.bytes); give a lower maxRecordBytes',
  14: 'the coordinator of the group is starting',
  15: 'the group has no coordinator now',
  16: 'the broker no longer coordinates the group',
  17: 'the name of the topic is not allowed',
  18: 'a batch is larger than a segment of the log',
  19: 'too few replicas are in sync (min.insync.replicas)',
  20: 'too few replicas were in sync when the records were appended (min.insync.replicas)',
  29: 'this user may not use the topic',
  30: 'this user may not use the group',
  31: 'this user may not do this in the cluster',
  32: 'the timestamp of a record is too far from the time of the broker (message.timestamp.after.max.ms, message.timestamp.before.max.ms)',
  34: 'the broker refuses the mechanism of sasl at this point',
  42: 'the broker does not take the request',
  43: 'the topic has a format of records that is too old (message.format.version)',
  44: 'a policy of the broker refuses the records',
  45: 'records of this producer are missing in front of these',
  46: 'the records are there already',
  47: 'a newer producer has the same id',
  48: 'the transaction is in another state',
  49: 'the producer no longer has its id',
  50: 'transactionTimeout is longer than the broker allows (transaction.max.timeout.ms)',
  51: 'the transaction before is not complete yet',
  52: 'the coordinator of the transaction has been replaced',
  53: 'this user may not use the transactional id',
  54: 'the broker has no security, which the request needs',
  56: 'the disk of the broker has a problem',
  58: 'authentication failed',
  59: 'the broker has forgotten the producer',
  65: 'this user may not use the token',
  74: 'the broker has not heard of the newest leader',
  75: 'the partition has another leader now',
  76: 'the topic does not take this compression',
  78: 'the newest leader does not know its offsets yet',
  87: 'the broker refuses a record, as a topic with cleanup.policy=compact does without a key',
  88: 'an offset is a part of a transaction that is not complete yet',
  90: 'a newer producer has the same id',
}

/** What waiting does not change: rights, versions, names, records. */
const finalCodes: ReadonlySet<number> = new Set<number>([
  codes.badName,
  codes.topicRefused,
  codes.groupRefused,
  codes.unsupported,
  codes.authentication,
  // Batches and records.
  10,
  18,
  32,
  42,
  43,
  44,
  76,
  87,
  // Rights and limits.
  31,
  34,
  50,
  53,
  54,
  58,
  65,
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
