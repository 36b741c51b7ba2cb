/** A job on several machines: leases placed by a Kafka group, data directories in a changelog, shuffles through topics. */
export type { KafkaPort } from '@millrace/connector-kafka/port'
export type {
  Lease,
  LeaseEnd,
  LeaseEvent,
  LeaseJobOptions,
  LeaseOptions,
  LeaseStatus,
} from './lease/lease.ts'
export { CollectedBatches } from './lease/lease-transaction.ts'
export type { Additions, LeaseTransaction } from './lease/lease-transaction.ts'
export type { RestoreProgress } from './replica/restore-progress.ts'
export { graphOfLease } from './shuffle/graph-of-lease.ts'
export type { LeaseGraphOptions } from './shuffle/graph-of-lease.ts'
export { shuffleTopics } from './shuffle/shuffle-edge.ts'
