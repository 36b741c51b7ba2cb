/** The requests that change topics, each in one version that all brokers since Kafka 2.5 speak. */
import type { NewTopic } from '../kafka-port.ts'
import type { TopicPartition } from '../record.ts'
import type { Request } from './request.ts'

const since = '2.5'

/** What the controller says to a topic that it was to create. */
export interface CreatedTopic {
  readonly name: string
  readonly error: number
  readonly message: string | null
}

/** Creates topics, with as many replicas as the brokers give by default. Only the controller carries it out. */
export function createTopicsRequest(
  topics: readonly NewTopic[],
  timeoutMs: number,
): Request<readonly CreatedTopic[]> {
  return {
    name: 'CreateTopics',
    api: 19,
    version: 4,
    since,
    write: (out) => {
      out.list(topics, ({ name, partitions, settings }) => {
        out.text(name)
        out.int32(partitions)
        out.int16(-1)
        // The brokers choose where the replicas are.
        out.list([], () => {})
        out.list(Object.entries(settings), ([key, value]) => {
          out.text(key)
          out.text(value)
        })
      })
      out.int32(timeoutMs)
      out.boolean(false)
    },
    read: (answer) => {
      answer.int32()
      return answer.list(() => ({
        name: answer.text(),
        error: answer.int16(),
        message: answer.nullableText(),
      }))
    },
  }
}

/** Deletes the records of a partition before an offset. The answer has the errors. */
export function deleteRecordsRequest(
  { topic, partition }: TopicPartition,
  before: number,
  timeoutMs: number,
): Request<readonly number[]> {
  return {
    name: 'DeleteRecords',
    api: 21,
    version: 1,
    since,
    write: (out) => {
      out.list([topic], (name) => {
        out.text(name)
        out.list([partition], (number) => {
          out.int32(number)
          out.int64(before)
        })
      })
      out.int32(timeoutMs)
    },
    read: (answer) => {
      answer.int32()
      const topics = answer.list(() => {
        answer.text()
        return answer.list(() => {
          answer.int32()
          answer.int64()
          return answer.int16()
        })
      })
      return topics.flat()
    },
  }
}
