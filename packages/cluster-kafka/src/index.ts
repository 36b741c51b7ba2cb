/** A job on several machines: leases placed by a Kafka group, data directories in a changelog, shuffles through topics. */
export type { KafkaPort } from '@millrace/connector-kafka/port'
