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
