/** A job on several machines: leases placed by a Kafka group, data directories in a changelog, shuffles through topics. */
export { connectPort } from '@millrace/connector-kafka/port'
export type { ConnectPort, KafkaOptions, KafkaPort } from '@millrace/connector-kafka/port'
export { clusterAddress } from './worker/cluster-address.ts'
export { startWorker } from './worker/cluster-worker.ts'
export type { ClusterWorker, WorkerStatus } from './worker/cluster-worker.ts'
export type { LeaseCopy } from './worker/held-leases.ts'
export type { JobEnding, WorkerPlace } from './placement/messages.ts'
export type { WorkerEvent, WorkerObserver, WorkerOptions, WorkerResult } from './worker/worker-options.ts'
export type {
  Lease,
  LeaseEnd,
  LeaseEvent,
  LeaseJobOptions,
  LeaseOptions,
  LeaseStatus,
} from './lease/lease.ts'
export { openLease } from './lease/open-lease.ts'
export { openStandby } from './lease/open-standby.ts'
export type { StandbyLeaseOptions } from './lease/open-standby.ts'
export type { LeaseTransaction } from './lease/lease-transaction.ts'
export { changelogSettings, changelogTopic } from './replica/changelog.ts'
export type { ReplicaFigures } from './replica/replica.ts'
export type { RestoreProgress } from './replica/restore-progress.ts'
export { graphOfLease } from './shuffle/graph-of-lease.ts'
export type { LeaseGraphOptions } from './shuffle/graph-of-lease.ts'
export { shuffleTopics } from './shuffle/shuffle-edge.ts'
export type { Standby } from './replica/standby.ts'
