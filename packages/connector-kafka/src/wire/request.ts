/** The requests of Kafka's protocol that a reader needs, each in one version that all brokers since Kafka 2.3 speak. */
import type { GroupOffset } from '../cluster.ts'
import type { TopicPartition } from '../record.ts'
import type { Cursor } from './cursor.ts'
import type { WireWriter } from './wire-writer.ts'

/** What is asked of a broker, and how its answer is read. */
export interface Request<T> {
  readonly name: string
  readonly api: number
  readonly version: number
  /** The first version of Kafka that speaks it. Default 2.3. */
  readonly since?: string
  /** Whether the headers of the request and its answer have tagged fields. */
  readonly isFlexible?: boolean
  /** About how many bytes the request has, where they are many. */
  readonly bytes?: number
  write(out: WireWriter): void
  read(answer: Cursor): T
}

/** The versions of a request that a broker speaks. */
export interface SpokenVersions {
  readonly api: number
  readonly first: number
  readonly last: number
}

/** Asks what a broker speaks. The only request that a broker of any age answers. */
export const versionsRequest: Request<readonly SpokenVersions[]> = {
  name: 'ApiVersions',
  api: 18,
  version: 0,
  write: () => {},
  read: (answer) => {
    answer.int16()
    return answer.list(() => ({ api: answer.int16(), first: answer.int16(), last: answer.int16() }))
  },
}

/** Where a broker listens. */
export interface BrokerAddress {
  readonly node: number
  readonly host: string
  readonly port: number
}

export interface Metadata {
  readonly brokers: readonly BrokerAddress[]
  /** The node that changes topics, or passes such requests to it; -1 if it is not known. */
  readonly controller: number
  readonly topics: readonly TopicMetadata[]
}

export interface TopicMetadata {
  readonly error: number
  readonly name: string
  /** The node that leads each partition; -1 if none does now. */
  readonly partitions: readonly { readonly partition: number; readonly leader: number }[]
}

/** Asks for brokers, topics and the leaders of their partitions: of some topics, or of all. */
export function metadataRequest(topics: readonly string[] | undefined): Request<Metadata> {
  return {
    name: 'Metadata',
    api: 3,
    version: 7,
    write: (out) => {
      if (topics === undefined) out.int32(-1)
      else out.list(topics, (topic) => out.text(topic))
      // Nothing is created by looking for it.
      out.boolean(false)
    },
    read: (answer) => {
      answer.int32()
      const brokers = answer.list(() => {
        const broker = { node: answer.int32(), host: answer.text(), port: answer.int32() }
        answer.nullableText()
        return broker
      })
      answer.nullableText()
      const controller = answer.int32()
      const found = answer.list(() => {
        const topic = { error: answer.int16(), name: answer.text() }
        answer.boolean()
        return { ...topic, partitions: answer.list(() => readPartition(answer)) }
      })
      return { brokers, controller, topics: found }
    },
  }
}

function readPartition(answer: Cursor): TopicMetadata['partitions'][number] {
  answer.int16()
  const found = { partition: answer.int32(), leader: answer.int32() }
  answer.int32()
  for (let lists = 0; lists < 3; lists++) answer.list(() => answer.int32())
  return found
}

/** The times that mean the first record and for the end of what can be read. */
export const earliestTime = -2
export const latestTime = -1

/** Asks for the offset of the first record with a time or a later one; -1 if there is none. */
export function offsetRequest(
  { topic, partition }: TopicPartition,
  time: number,
  isolation: Isolation,
): Request<{ readonly error: number; readonly offset: number } | undefined> {
  return {
    name: 'ListOffsets',
    api: 2,
    version: 5,
    write: (out) => {
      out.int32(-1)
      out.int8(isolation)
      out.list([topic], (name) => {
        out.text(name)
        out.list([partition], (number) => {
          out.int32(number)
          out.int32(-1)
          out.int64(time)
        })
      })
    },
    read: (answer) => {
      answer.int32()
      const topics = answer.list(() => {
        answer.text()
        return answer.list(() => {
          answer.int32()
          const error = answer.int16()
          answer.int64()
          const offset = answer.int64()
          answer.int32()
          return { error, offset }
        })
      })
      return topics[0]?.[0]
    },
  }
}

/** 0: also what is not committed. */
export type Isolation = 0 | 1

export interface WantedPartition extends TopicPartition {
  readonly offset: number
}

export interface FetchLimits {
  readonly isolation: Isolation
  /** How long the broker waits for records if there are none. */
  readonly waitMs: number
  readonly maxBytes: number
  readonly maxPartitionBytes: number
}

/** What a broker has sent of a partition. */
export interface FetchedPartition extends TopicPartition {
  readonly error: number
  /** The offset behind the last record that all replicas have, and behind the last whose transaction is decided. */
  readonly highWatermark: number
  readonly lastStable: number
  readonly aborted: readonly AbortedTransaction[]
  /** Batches of records; the last may be incomplete. */
  readonly batches: Uint8Array
}

/** A transaction that was aborted: its producer, and the offset of its first record. */
export interface AbortedTransaction {
  readonly producer: number
  readonly first: number
}

/** Asks for the records of partitions. */
export function fetchRequest(
  wanted: readonly WantedPartition[],
  limits: FetchLimits,
): Request<{ readonly error: number; readonly partitions: readonly FetchedPartition[] }> {
  return {
    name: 'Fetch',
    api: 1,
    version: 11,
    write: (out) => {
      out.int32(-1)
      out.int32(limits.waitMs)
      out.int32(1)
      out.int32(limits.maxBytes)
      out.int8(limits.isolation)
      // No session: each request names all its partitions.
      out.int32(0)
      out.int32(-1)
      // A topic may be named several times, so the order of the partitions is kept.
      out.list(wanted, ({ topic, partition, offset }) => {
        out.text(topic)
        out.list([partition], (number) => {
          out.int32(number)
          out.int32(-1)
          out.int64(offset)
          out.int64(-1)
          out.int32(limits.maxPartitionBytes)
        })
      })
      out.int32(0)
      out.text('')
    },
    read: (answer) => {
      answer.int32()
      const error = answer.int16()
      answer.int32()
      const topics = answer.list(() => {
        const topic = answer.text()
        return answer.list(() => readFetched(topic, answer))
      })
      return { error, partitions: topics.flat() }
    },
  }
}

function readFetched(topic: string, answer: Cursor): FetchedPartition {
  const partition = answer.int32()
  const error = answer.int16()
  const highWatermark = answer.int64()
  const lastStable = answer.int64()
  answer.int64()
  const aborted = answer.list(() => ({ producer: answer.int64(), first: answer.int64() }))
  answer.int32()
  return { topic, partition, error, highWatermark, lastStable, aborted, batches: answer.bytes() }
}

/** What a coordinator is asked for. */
export type CoordinatorKind = 'group' | 'transaction'

/** Asks which broker keeps the offsets of a group, or the state of a transactional id. */
export function coordinatorRequest(
  kind: CoordinatorKind,
  key: string,
): Request<BrokerAddress & { readonly error: number; readonly message: string | null }> {
  return {
    name: 'FindCoordinator',
    api: 10,
    version: 2,
    write: (out) => {
      out.text(key)
      out.int8(kind === 'group' ? 0 : 1)
    },
    read: (answer) => {
      answer.int32()
      return {
        error: answer.int16(),
        message: answer.nullableText(),
        node: answer.int32(),
        host: answer.text(),
        port: answer.int32(),
      }
    },
  }
}

/** Stores offsets for a group that has no members. The answer has the errors. */
export function commitRequest(group: string, offsets: readonly GroupOffset[]): Request<readonly number[]> {
  return {
    name: 'OffsetCommit',
    api: 8,
    version: 7,
    write: (out) => {
      out.text(group)
      out.int32(-1)
      out.text('')
      out.text(null)
      out.list(offsets, ({ topic, partition, offset }) => {
        out.text(topic)
        out.list([partition], (number) => {
          out.int32(number)
          out.int64(offset)
          out.int32(-1)
          out.text('')
        })
      })
    },
    read: (answer) => {
      answer.int32()
      const topics = answer.list(() => {
        answer.text()
        return answer.list(() => {
          answer.int32()
          return answer.int16()
        })
      })
      return topics.flat()
    },
  }
}

/** Says how this client will prove who it is. */
export function handshakeRequest(
  mechanism: string,
): Request<{ readonly error: number; readonly mechanisms: readonly string[] }> {
  return {
    name: 'SaslHandshake',
    api: 17,
    version: 1,
    write: (out) => out.text(mechanism),
    read: (answer) => ({ error: answer.int16(), mechanisms: answer.list(() => answer.text()) }),
  }
}

export interface AuthenticateAnswer {
  readonly error: number
  readonly message: string | null
  readonly bytes: Uint8Array
  /** How long the connection may be used; 0: without end. */
  readonly lifetimeMs: number
}

/** One step of the proof. */
export function authenticateRequest(bytes: Uint8Array): Request<AuthenticateAnswer> {
  return {
    name: 'SaslAuthenticate',
    api: 36,
    version: 1,
    write: (out) => out.bytes(bytes),
    read: (answer) => ({
      error: answer.int16(),
      message: answer.nullableText(),
      bytes: answer.bytes(),
      lifetimeMs: answer.int64(),
    }),
  }
}
