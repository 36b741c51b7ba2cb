import { setTimeout } from 'node:timers/promises'
import { afterAll } from 'vitest'
import { service, type RunningMember, type RunningService } from '../../../scripts/services/service.ts'
import { deleteRecordsRequest } from '../src/wire/admin-request.ts'
import { stableOffsetRequest } from '../src/wire/write-request.ts'
import { createPartitionsRequest, deleteTopicRequest } from './admin-requests.ts'
import { Outside, timeoutMs, type Sent } from './outside.ts'
import { transactionsIn } from './transaction-list.ts'

/** A broker for the tests of one file, and means to look at it from outside. */
export interface RealBroker {
  /** Why there is none. */
  readonly missing: string | undefined
  readonly brokers: string
  readonly server: RunningService
  readonly restart: () => Promise<void>
  /** Makes a topic with a name that nothing has used before. */
  readonly freshTopic: (partitions?: number, config?: Readonly<Record<string, string>>) => Promise<string>
  readonly addPartitions: (topic: string, total: number) => Promise<void>
  readonly makeTopic: (topic: string, partitions?: number) => Promise<void>
  readonly deleteTopic: (topic: string) => Promise<void>
  readonly deleteRecords: (topic: string, partition: number, offset: number) => Promise<void>
  /**
   * Writes records, each to a partition or by its key, and waits until the broker has them. With a transactional id they are
   * in a transaction that stays open.
   */
  readonly produce: (topic: string, records: readonly Sent[], transactionalId?: string) => Promise<void>
  /**
   * Waits until the broker has marked the end of each transaction that it has promised to commit or abort. It answers a
   * commit before that, and until then readers of committed records stop in front of the transaction. Open ones stay open.
   */
  readonly transactionsMarked: () => Promise<void>
  /** What a group has committed for a partition. */
  readonly committed: (group: string, topic: string, partition: number) => Promise<number>
  /** How far the partitions of a topic have got: about how many records it has. */
  readonly ends: (topic: string) => Promise<number>
  /** The ids of the members of a group. */
  readonly members: (group: string) => Promise<readonly string[]>
  /** The process that leads a partition now. Only for brokers that the test has started. */
  readonly leader: (topic: string, partition: number) => Promise<RunningMember>
}

/** `kafkaCluster` is three brokers. */
export async function realBroker(name: 'kafka' | 'kafkaCluster' = 'kafka'): Promise<RealBroker> {
  const server = await service(name)
  if ('missing' in server) return { missing: server.missing, brokers: '' } as RealBroker
  const outside = new Outside(server.url)
  afterAll(async () => {
    await outside.close()
    await server.stop()
  })
  return {
    missing: undefined,
    brokers: server.url,
    server,
    restart: () => server.restart?.() ?? Promise.resolve(),
    ...adminOf(outside),
    produce: (topic, records, id) => outside.produce(topic, records, id),
    transactionsMarked: async () => {
      while ((await transactionsIn(server.url, ['PrepareCommit', 'PrepareAbort'])) > 0) await setTimeout(20)
    },
    leader: async (topic, partition) => server.members[(await outside.leader(topic, partition)) - 1]!,
    committed: async (group, topic, partition) => {
      const request = stableOffsetRequest(group, { topic, partition })
      return (await outside.coordinator('group', group).ask(request, ({ error }) => error)).offset
    },
  }
}

function adminOf(
  outside: Outside,
): Pick<
  RealBroker,
  'freshTopic' | 'makeTopic' | 'addPartitions' | 'deleteTopic' | 'deleteRecords' | 'members' | 'ends'
> {
  const run = `${process.pid}-${Date.now().toString(36)}`
  let topics = 0
  const create = async (topic: string, partitions: number, config = {}): Promise<void> => {
    await outside.create({ name: topic, partitions, settings: config })
    // A broker answers before it leads the partitions.
    for (let partition = 0; partition < partitions; partition++) await outside.end(topic, partition)
  }
  return {
    makeTopic: (topic, partitions = 1) => create(topic, partitions),
    freshTopic: async (partitions = 1, config = {}) => {
      const topic = `test-${run}-${topics++}`
      await create(topic, partitions, config)
      return topic
    },
    addPartitions: (topic, total) => outside.change(createPartitionsRequest(topic, total)),
    members: (group) => outside.members(group),
    ends: async (topic) => {
      let sum = 0
      const partitions = await outside.partitions(topic)
      for (let partition = 0; partition < partitions; partition++) sum += await outside.end(topic, partition)
      return sum
    },
    deleteTopic: (topic) => outside.change(deleteTopicRequest(topic)),
    deleteRecords: (topic, partition, offset) =>
      outside.change(deleteRecordsRequest({ topic, partition }, offset, timeoutMs)),
  }
}
